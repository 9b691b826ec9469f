// SPDX-License-Identifier: Apache-2.0
// token_wire.hpp: the messages of the service "token", apart from their client (services/token.hpp).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/wire.hpp"

namespace lcg::token {

// What is no longer good: the token with this jti, or all tokens of a user that were issued before a moment.
struct Revocation {
  std::string token_id;  // jti; or else
  std::string user;
  // Of user: Unix seconds. 0: now, and what a clock that is ahead has issued. A token without iat was issued
  // before anything.
  int64_t issued_before_s = 0;
  std::string channel;      // tokens of subscriptions to it only; empty: every token
  int64_t expire_at_s = 0;  // Unix seconds after which it may be forgotten: when the tokens expire. 0: the
                            // setting revocation.keep from now on
  uint32_t code = 0;        // with which live sessions are closed; 0: 3500 for a token, 3014 for a user's
  std::string reason;       // told to the client; empty: "token revoked"
};

inline std::string encode(const Revocation& r) {
  wire::Writer w;
  w.str(r.token_id).str(r.user).u64(static_cast<uint64_t>(r.issued_before_s)).str(r.channel);
  return w.u64(static_cast<uint64_t>(r.expire_at_s)).u64(r.code).str(r.reason).take();
}

inline bool decode(std::string_view data, Revocation& out) {
  wire::Reader r(data);
  out.token_id = r.str();
  out.user = r.str();
  out.issued_before_s = static_cast<int64_t>(r.u64());
  out.channel = r.str();
  out.expire_at_s = static_cast<int64_t>(r.u64());
  out.code = static_cast<uint32_t>(r.u64());
  out.reason = r.str();
  return r.ok();
}

}  // namespace lcg::token
