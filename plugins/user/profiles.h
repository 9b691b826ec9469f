// SPDX-License-Identifier: Apache-2.0
// profiles: a user's profile, and finding users by the beginning of their name.
//
// The profile is the truth; the name index lives in other partitions and follows it. A change of name writes
// the new index entry first, then the profile, then erases the old entry, so that a crash in between leaves
// an entry too many and never one too few; a search looks at the profile behind each entry and drops what no
// longer fits. Only the profile is synced: a store's log is one, so what was written before it is then on the disk
// as well. Lane: the instance's.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lcg/services/storage.hpp"
#include "lcg/services/uaa.hpp"
#include "lcg/services/user.hpp"
#include "plugins/user/likeness.h"
#include "plugins/user/name_index.h"

namespace lcg::user {

// What a user changes; absent fields stay.
struct ProfileChange {
  std::optional<std::string> name, about, avatar, data, private_data;
};

std::string encode(const ProfileChange& change);
bool decode(std::string_view data, ProfileChange& out);

class Profiles {
 public:
  explicit Profiles(Host host) : host_(host), storage_(host), names_(host), likeness_(host), uaa_(host) {}

  // A user without one has a profile of the user's id alone. REQUIRES: is_user_id(user).
  Task<Outcome<Profile>> get(std::string user) const;
  // The profile as it is then. LCG_E_CONFLICT: another node has changed it meanwhile, try again. LCG_E_INVALID: the name
  // reads like the id of somebody else.
  // REQUIRES: is_user_id(user), sizes checked; nobody else writes about that user.
  Task<Outcome<Profile>> change(std::string user, ProfileChange change) const;
  // Where a search goes on: behind this name, as the index has it, of this user. Empty: from the beginning.
  struct Place {
    std::string name, user;
  };
  struct Found {
    std::vector<Profile> users;
    size_t looked_at = 0;  // entries of the index
    bool more = false;     // there may be more behind `last`
    Place last;
  };
  // Is it one of a search for `prefix`?
  static bool is_place(std::string_view prefix, const Place& place);
  // At most `limit` users whose name begins with `prefix`, upper and lower case of ASCII letters alike, by
  // name. REQUIRES: prefix not empty, at most kMaxNameBytes; is_place(prefix, after).
  Task<Outcome<Found>> search(std::string prefix, Place after, uint32_t limit) const;

 private:
  struct Entry {
    std::string partition, key;
  };
  static Entry entry_of(const Profile& profile);
  // A change from `old` to `next`, and how their names are read, each once.
  struct Renaming {
    Profile old, next;
    Readings from, to;
  };
  using RenamingPtr = std::shared_ptr<const Renaming>;
  // How the id and the name are read is written; with `asked`, refused where the name is read as somebody else's id.
  Task<Reply> claim_readings(RenamingPtr change, bool asked) const;
  Task<Reply> passes_for_another(RenamingPtr change) const;
  // The index, then the profile.
  Task<Reply> write(RenamingPtr change) const;
  // What the change leaves behind in the indexes.
  Task<void> forget_old(RenamingPtr change) const;

  const Host host_;
  const storage::Client storage_;
  const NameIndex names_;
  const Likeness likeness_;
  const uaa::Client uaa_;
};

}  // namespace lcg::user
