// SPDX-License-Identifier: Apache-2.0
// likeness: whether a name that is shown is read as somebody else's id.
//
// A name and an id that are claimed at the same moment: the rows of both are written before either looks for the other's,
// so that one of the two sees the other at least. So a row counts while what it was written for may be on its way:
//
//   a name    until its profile has the version that the row was written for, and from then on if the profile reads so
//   an id     for kClaimMs, and from then on if the user is there: has a profile, or an account of uaa. Whether users of
//             other authorities are there is not known: their rows count
//   a name at registration    likewise, but a profile is no account
//
// What a crash leaves over counts for nobody for ever. Lane: the instance's.
#pragma once
#include <cstdint>
#include <string>

#include "lcg/services/uaa.hpp"
#include "plugins/user/name_index.h"
#include "plugins/user/profile_record.h"

namespace lcg::user {

class Likeness {
 public:
  // Longer than the few calls, of 5 s each at most, from the row to the account or the profile. Nodes' clocks may differ.
  static constexpr int64_t kClaimMs = 120'000;

  explicit Likeness(Host host) : host_(host), storage_(host), index_(host), uaa_(host) {}

  // How the id of `user` is read: with its authority's user_prefix and without it. Two authorities may have users of the
  // same name, so each may show what is read as one's own.
  Readings ids_of(const std::string& user) const;
  // Another user whose id `readings` are read as; "": none.
  Task<Outcome<std::string>> id_like(std::string user, Readings readings) const;
  // Whether another user shows a name that is read as one of `ids`.
  Task<Outcome<bool>> is_shown(std::string user, Readings ids) const;
  // LCG_E_NOT_FOUND: the id is uaa's to give, and nobody is registered under it.
  Task<Reply> registered(std::string user) const;

 private:
  Task<Outcome<bool>> counts(NameIndex::Row row) const;

  const Host host_;
  const storage::Client storage_;
  const NameIndex index_;
  const uaa::Client uaa_;
};

}  // namespace lcg::user
