// SPDX-License-Identifier: Apache-2.0
// uaa.hpp: typed client of the service "uaa": users, logins and tokens, for operators' tools and other
// plugins.
//
// The partition key of a call is the user's id, with the user_prefix of uaa (inspect has none). A login has an auth id (lcg_peer.auth_id names
// it for each session); revoking it closes its live sessions and refuses its tokens from that moment on.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "lcg/services/uaa_wire.hpp"
#include "lcg/wire.hpp"

namespace lcg::uaa {

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // Makes a user with a password, whatever the setting `registration` says. An empty display name is the
  // user's id. Errors: LCG_E_INVALID (the message says which limit), LCG_E_CONFLICT (the name is taken),
  // LCG_E_BUSY.
  Task<Reply> add_user(std::string user, std::string password, std::string display_name) const;
  // An access token of a login of its own, for a test or a service; it need not have a password.
  // LCG_E_NOT_FOUND: not an id that uaa gives; LCG_E_INVALID: a time to live over key.keep.
  Task<Outcome<IssuedToken>> issue_token(std::string user, std::chrono::milliseconds ttl) const;
  // Whether `name`, which `user` wants to show, reads like the name of another user who is registered: then LCG_E_INVALID.
  Task<Reply> check_shown(std::string user, std::string name) const;
  // LCG_E_NOT_FOUND: nobody is registered under this id; LCG_E_INVALID: it is not an id that uaa gives.
  Task<Reply> is_registered(std::string user) const;
  // One login, or all of the user's when auth_id is empty. LCG_OK also when there was none; LCG_E_NOT_FOUND: not an
  // id that uaa gives.
  Task<Reply> revoke(std::string user, std::string auth_id) const;
  Task<Outcome<Inspection>> inspect(std::string token) const;
  // The signing keys, {"rows":[{"serial","kid","created_ms","use"}],"more":false}: as they are, after a successor was
  // made (it signs two minutes later, when every instance knows it), or after all were encrypted anew.
  // LCG_E_DENIED: the credential is missing, wrong, or may not be written.
  Task<Reply> keys() const { return about_keys("keys"); }
  Task<Reply> rotate_key() const { return about_keys("rotate_key"); }
  Task<Reply> rewrap_keys() const { return about_keys("rewrap_keys"); }

 private:
  Task<Reply> about_keys(std::string method) const;

  Host host_;
};

// --- implementation ------------------------------------------------------------------------------

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

inline Task<Reply> Client::check_shown(std::string user, std::string name) const {
  std::string data = wire::Writer().str(name).take();
  Call call("uaa", "check_shown", std::move(user), std::move(data));
  co_return co_await host_.call(std::move(call));
}

inline Task<Reply> Client::is_registered(std::string user) const {
  Call call("uaa", "is_registered", std::move(user), wire::Writer().take());
  co_return co_await host_.call(std::move(call));
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

inline Task<Reply> Client::about_keys(std::string method) const {
  Call call("uaa", std::move(method), std::string(kKeyPartition), "");
  co_return co_await host_.call(std::move(call));
}

}  // namespace lcg::uaa
