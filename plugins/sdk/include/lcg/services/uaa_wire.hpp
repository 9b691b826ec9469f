// SPDX-License-Identifier: Apache-2.0
// uaa_wire.hpp: the messages of the service "uaa", apart from their client (services/uaa.hpp).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/wire.hpp"

namespace lcg::uaa {

// The key of calls about the signing keys; no user id can be it.
inline constexpr std::string_view kKeyPartition = "uaa/keys";

struct IssuedToken {
  std::string access_token, auth_id;
  int64_t expire_at_ms = 0;  // Unix ms
};

struct Inspection {
  bool active = false;  // good, in time, and its login is live
  std::string verdict;  // "valid", or what is wrong
  // Meaningful when the signature is good, so for an expired or revoked token too.
  std::string user, auth_id, token_id, issuer, audience;
  int64_t issued_at_ms = 0, expire_at_ms = 0;  // Unix ms
};

inline std::string encode(const IssuedToken& t) {
  return wire::Writer().str(t.access_token).str(t.auth_id).u64(static_cast<uint64_t>(t.expire_at_ms)).take();
}

inline bool decode(std::string_view data, IssuedToken& out) {
  wire::Reader r(data);
  out.access_token = r.str();
  out.auth_id = r.str();
  out.expire_at_ms = static_cast<int64_t>(r.u64());
  return r.ok();
}

inline std::string encode(const Inspection& i) {
  wire::Writer w;
  w.boolean(i.active).str(i.verdict).str(i.user).str(i.auth_id).str(i.token_id).str(i.issuer).str(i.audience);
  return w.u64(static_cast<uint64_t>(i.issued_at_ms)).u64(static_cast<uint64_t>(i.expire_at_ms)).take();
}

inline bool decode(std::string_view data, Inspection& out) {
  wire::Reader r(data);
  out.active = r.boolean();
  out.verdict = r.str();
  out.user = r.str();
  out.auth_id = r.str();
  out.token_id = r.str();
  out.issuer = r.str();
  out.audience = r.str();
  out.issued_at_ms = static_cast<int64_t>(r.u64());
  out.expire_at_ms = static_cast<int64_t>(r.u64());
  return r.ok();
}

}  // namespace lcg::uaa
