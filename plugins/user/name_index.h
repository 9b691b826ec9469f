// SPDX-License-Identifier: Apache-2.0
// name_index: how ids and shown names are read (plugins/names, folded), so that a name that is shown is not read as
// somebody else's id.
//
// Each reading is a partition of its own. A name and an id that are claimed at the same moment: both are written before
// either looks for the other, so that one of the two sees the other at least. Lane: any of the plugin's.
#pragma once
#include <string>
#include <vector>

#include "lcg/services/storage.hpp"

namespace lcg::user {

class NameIndex {
 public:
  enum class Kind : char {
    kId = 'i',
    kProfile = 'p',  // the name in the user's profile
    kAccount = 'a'   // the name the user was registered with
  };

  explicit NameIndex(Host host) : storage_(host) {}

  Task<Reply> add(Kind kind, std::string user, std::string text) const;
  // But for how `kept` is read.
  Task<Reply> remove(Kind kind, std::string user, std::string text, std::string kept = "") const;
  // Another user whose id is read as `text`; "": none, or it is one of the user's own readings, those of `bare` included.
  Task<Outcome<std::string>> id_like(std::string user, std::string bare, std::string text) const;

  struct Shown {
    std::string user, reading;
    Kind kind;
  };
  // Other users who show a name that is read as `id`, kMaxShown at most.
  static constexpr uint32_t kMaxShown = 20;
  Task<Outcome<std::vector<Shown>>> shown_like(std::string user, std::string id) const;

 private:
  storage::Client storage_;
};

}  // namespace lcg::user
