// SPDX-License-Identifier: Apache-2.0
// name_index: how ids and shown names are read (plugins/names, folded). Each reading is a partition of its own, and has
// a row for each user whose id or name is read so. What a row counts for: likeness.h.
//
// Rows are written without a sync: the profile or account that follows them is durable, and so are they then.
// Lane: any of the plugin's.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/services/storage.hpp"

namespace lcg::user {

using Readings = std::vector<std::string>;
// Of "": none.
Readings readings_of(std::string_view text);
bool contains(const Readings& readings, const std::string& one);
// Those of `readings` that are not among `others`.
Readings without(const Readings& readings, const Readings& others);

class NameIndex {
 public:
  enum class Kind : char {
    kId = 'i',
    kProfile = 'p',  // the name in the user's profile
    kAccount = 'a'   // the name the user was registered with
  };
  struct Row {
    std::string user, reading;
    Kind kind;
    // Of kProfile the version of the profile that the row was written for; of the others when it was, Unix ms. 0: written
    // before there were stamps.
    uint64_t stamp = 0;
  };
  static constexpr uint32_t kMaxRows = 20;  // of a reading and kind that are looked at

  explicit NameIndex(Host host) : storage_(host) {}

  // A row for each reading; one that is there is stamped anew. value: the readings without a row before, also when a later
  // one could not be written.
  Task<Outcome<Readings>> add(Kind kind, std::string user, Readings readings, uint64_t stamp) const;
  // The same, but what is there stays as it is.
  Task<Reply> keep(Kind kind, std::string user, Readings readings, uint64_t stamp) const;
  Task<Reply> remove(Kind kind, std::string user, Readings readings) const;
  // Of other users, kMaxRows for each reading.
  Task<Outcome<std::vector<Row>>> rows(Kind kind, std::string but_user, Readings readings) const;

 private:
  Task<Reply> put(Kind kind, std::string user, std::string reading, uint64_t stamp) const;

  storage::Client storage_;
};

}  // namespace lcg::user
