// SPDX-License-Identifier: Apache-2.0
// registration: whether somebody who is being registered may be called so (lcg/services/user_names.hpp). Lane: the
// instance's.
#pragma once
#include "lcg/services/user_names.hpp"
#include "plugins/user/name_index.h"
#include "plugins/user/profiles.h"

namespace lcg::user {

class Registration {
 public:
  Registration(Host host, const Profiles& profiles) : index_(host), profiles_(profiles) {}

  Task<Reply> check(Naming naming) const;
  Task<Reply> take(Naming naming) const;
  Task<Reply> release(Naming naming) const;

 private:
  // Whether another user shows a name that is read as `id`.
  Task<Outcome<bool>> is_shown(std::string user, std::string id) const;

  const NameIndex index_;
  const Profiles& profiles_;
};

}  // namespace lcg::user
