// SPDX-License-Identifier: Apache-2.0
// token.hpp: typed client of the service "token": takes back tokens that somebody else's back end has signed.
//
// A revocation counts from the moment it is acknowledged, on every lane and node: the token is refused at connect,
// refresh and subscribe, and what it opened is closed within a second. It is durable.
#pragma once
#include <string>

#include "lcg/host.hpp"
#include "lcg/services/token_wire.hpp"

namespace lcg::token {

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // Either token_id or user is given. LCG_E_INVALID: none or both of them, a name over 255 bytes, a code that is no
  // disconnect code. LCG_E_UNSUPPORTED: the setting revocation.enabled is false.
  Task<Reply> revoke(Revocation revocation) const;

 private:
  Host host_;
};

// --- implementation ------------------------------------------------------------------------------

inline Task<Reply> Client::revoke(Revocation revocation) const {
  std::string key = revocation.token_id.empty() ? revocation.user : revocation.token_id;
  Call call("token", "revoke", std::move(key), encode(revocation));
  co_return co_await host_.call(std::move(call));
}

}  // namespace lcg::token
