// SPDX-License-Identifier: Apache-2.0
// logins: the life of a login: started by a credential, kept alive by refresh tokens, ended by revocation or
// age.
//
// A login has an auth id; every access token names it (claim sid), every live session was opened under one.
// Revoking erases its record, then has the host end what goes by it: sessions, connects under way, bearer tokens that
// are remembered. When it is acknowledged nothing under it is accepted on any node: what is new asks the store, and
// what was there has ended. Lane: the instance's.
#pragma once
#include <chrono>
#include <string>

#include "lcg/host.hpp"
#include "plugins/uaa/account_store.h"
#include "plugins/uaa/jwt.h"
#include "plugins/uaa/key_ring.h"

namespace lcg::uaa {

struct LoginRules {
  TokenPolicy policy;
  std::chrono::milliseconds access_ttl = std::chrono::minutes(15);
  std::chrono::milliseconds refresh_ttl = std::chrono::hours(24 * 30);  // since the last refresh
  // How long the token before the current one is still taken: for a client that lost the answer. 0: not at
  // all.
  std::chrono::milliseconds refresh_grace{0};
  size_t logins_per_user = 64;  // beyond it the one longest unused is revoked
};

struct Tokens {
  std::string access, refresh;
  int64_t expires_in_s = 0;
  std::string user, auth_id;
};

struct LiveLogin {
  TokenFault fault = TokenFault::kNone;  // of the token
  bool revoked = false;                  // the token is good and its login is gone
  Claims claims;
  std::string name;
};

class Logins {
 public:
  // 3500 "invalid token": clients do not reconnect by themselves.
  static constexpr uint32_t kRevokedCode = 3500;

  Logins(Host host, LoginRules rules, KeyRing& ring)
      : host_(host), store_(host), rules_(std::move(rules)), ring_(ring) {}

  // A login of `user`, an id with its prefix, by credential `type`, with a refresh token.
  Task<Outcome<Tokens>> start(std::string user, std::string type, std::string name);
  // One access token that lives for `ttl`, with a login of its own and no refresh token.
  Task<Outcome<Tokens>> issue(std::string user, std::string type, std::chrono::milliseconds ttl);
  // The next pair of tokens. LCG_E_DENIED: the token is not the current one of a live login; when it once
  // was, the whole login is revoked (RFC 9700 section 4.14.2).
  Task<Outcome<Tokens>> refresh(std::string token);

  // Status LCG_OK: `value` says whether the token is one to trust now. Others: the store cannot say.
  Task<Outcome<LiveLogin>> check(std::string access_token);
  // The token's own claims without the store: for inspection and revocation, which take expired ones too.
  Task<Outcome<TokenCheck>> read_token(std::string access_token);

  // Erases the login, all of the user's when auth_id is empty, and ends its sessions. LCG_E_UNAVAILABLE: it is revoked
  // or not, and not all is known to be closed; the same again finishes it.
  Task<Reply> revoke(std::string user, std::string auth_id);
  // By a refresh token; nothing happens unless it belongs to a live login.
  Task<Reply> revoke_by_refresh_token(std::string token);

 private:
  Task<Reply> make_room(std::string user, Login login);
  Task<Reply> end_sessions(std::string user, std::string auth_id, std::string reason);
  std::string access_token(const std::string& user, const std::string& auth_id, int64_t ttl_ms) const;
  Outcome<Tokens> tokens(const std::string& user, const std::string& auth_id, std::string refresh) const;

  const Host host_;
  const AccountStore store_;
  const LoginRules rules_;
  KeyRing& ring_;
};

}  // namespace lcg::uaa
