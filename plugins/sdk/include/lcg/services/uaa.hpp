// SPDX-License-Identifier: Apache-2.0
// uaa.hpp: typed client of the service "uaa": users, logins and tokens, for operators' tools and other
// plugins.
//
// The partition key of a call is the user (inspect has none). A login has an auth id (lcg_peer.auth_id names
// it for each session); revoking it closes its live sessions and refuses its tokens from that moment on.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "lcg/wire.hpp"

namespace lcg::uaa {

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

std::string encode(const IssuedToken& token);
bool decode(std::string_view data, IssuedToken& out);
std::string encode(const Inspection& inspection);
bool decode(std::string_view data, Inspection& out);

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // Makes a user with a password, whatever the setting `registration` says. An empty display name is the
  // user's id. Errors: LCG_E_INVALID (the message says which limit), LCG_E_CONFLICT (the name is taken),
  // LCG_E_BUSY.
  Task<Reply> add_user(std::string user, std::string password, std::string display_name) const;
  // An access token of a login of its own, for a test or a service; it need not have a password.
  // LCG_E_INVALID: not a user id, or a time to live over key.keep.
  Task<Outcome<IssuedToken>> issue_token(std::string user, std::chrono::milliseconds ttl) const;
  // One login, or all of the user's when auth_id is empty. LCG_OK also when there was none.
  Task<Reply> revoke(std::string user, std::string auth_id) const;
  Task<Outcome<Inspection>> inspect(std::string token) const;

 private:
  Host host_;
};

// --- implementation
// -------------------------------------------------------------------------------------------

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

inline Task<Reply> Client::add_user(std::string user, std::string password, std::string display_name) const {
  std::string data = wire::Writer().str(password).str(display_name).take();
  Call call("uaa", "add_user", std::move(user), std::move(data));
  co_return co_await host_.call(std::move(call));
}

inline Task<Outcome<IssuedToken>> Client::issue_token(std::string user, std::chrono::milliseconds ttl) const {
  std::string data = wire::Writer().u64(static_cast<uint64_t>(ttl.count())).take();
  Call call("uaa", "issue_token", std::move(user), std::move(data));
  Reply reply = co_await host_.call(std::move(call));
  Outcome<IssuedToken> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

inline Task<Reply> Client::revoke(std::string user, std::string auth_id) const {
  std::string data = wire::Writer().str(auth_id).take();
  Call call("uaa", "revoke", std::move(user), std::move(data));
  co_return co_await host_.call(std::move(call));
}

inline Task<Outcome<Inspection>> Client::inspect(std::string token) const {
  std::string data = wire::Writer().str(token).take();
  Call call("uaa", "inspect", "", std::move(data));
  Reply reply = co_await host_.call(std::move(call));
  Outcome<Inspection> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

}  // namespace lcg::uaa
