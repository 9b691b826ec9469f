// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/profile_record.h"

namespace lcg::user {

Task<Outcome<Profile>> read_profile(storage::Client storage, std::string user) {
  const Reply found = co_await storage.get(user, kProfileCollection, kProfileKey);
  Outcome<Profile> out;
  if (found.status == LCG_E_NOT_FOUND) {
    out.value.user = out.value.name = user;
  } else if (!found.ok()) {
    out.status = found.status;
    out.message = found.message;
  } else if (!decode(found.data, out.value)) {
    out.status = LCG_E_INTERNAL;
    out.message = "a stored profile cannot be read";
  }
  co_return out;
}

}  // namespace lcg::user
