// SPDX-License-Identifier: Apache-2.0
// users.hpp: what the ids of users begin with: those of a plugin that answers connects, and any.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

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

// What follows the user_prefix, of any plugin of this configuration, that `user` begins with; all of it without one: the
// name that people know the user by. An older host tells none: all of it. Lane: the instance's.
inline std::string without_prefix(const Host& host, std::string_view user) {
  constexpr size_t kNeeded = offsetof(lcg_users_v1, prefix_of) + sizeof(lcg_users_v1::prefix_of);
  const auto* users = host.query<lcg_users_v1>(LCG_USERS_V1);
  const lcg_host* table = host.core()->host();
  lcg_str prefix{};
  if (users == nullptr || users->struct_size < kNeeded ||
      users->prefix_of(table->ctx, str(user), &prefix) != LCG_OK)
    return std::string(user);
  return std::string(user.substr(copy(prefix).size()));
}

}  // namespace lcg
