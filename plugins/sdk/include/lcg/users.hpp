// SPDX-License-Identifier: Apache-2.0
// users.hpp: for a plugin that answers connects: what the ids of its own users begin with.
#pragma once
#include <string>

#include "lcg/ext/users.h"
#include "lcg/host.hpp"

namespace lcg {

// The plugin's user_prefix in the configuration, "" without one. Every user id that comes from the broker, goes to it
// or is stored has it: Reply::user(user_prefix(host) + name) lets somebody in. Lane: the instance's.
inline std::string user_prefix(const Host& host) {
  const auto* users = host.query<lcg_users_v1>(LCG_USERS_V1);
  const lcg_host* table = host.core()->host();
  lcg_str prefix{};
  if (users == nullptr || users->prefix(table->ctx, &prefix) != LCG_OK) return {};
  return copy(prefix);
}

}  // namespace lcg
