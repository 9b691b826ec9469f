// SPDX-License-Identifier: Apache-2.0
// registration: whether somebody who is being registered may be called so (lcg/services/user_names.hpp). Lane: the
// instance's.
#pragma once
#include "lcg/services/user_names.hpp"
#include "plugins/user/likeness.h"
#include "plugins/user/name_index.h"

namespace lcg::user {

class Registration {
 public:
  explicit Registration(Host host) : host_(host), storage_(host), index_(host), likeness_(host) {}

  Task<Reply> check(Naming naming) const;
  // take, release. REQUIRES: nobody else writes about that user.
  // Refused, take gives back the rows that it has written itself.
  Task<Reply> take(Naming naming) const;
  // Nothing of a user who is registered, and not the id of one who has a profile.
  Task<Reply> release(Naming naming) const;

 private:
  Readings ids_of(const Naming& naming) const;

  const Host host_;
  const storage::Client storage_;
  const NameIndex index_;
  const Likeness likeness_;
};

}  // namespace lcg::user
