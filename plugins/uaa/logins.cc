// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/logins.h"

#include <algorithm>

#include "lcg/sessions.hpp"
#include "plugins/uaa/refresh_token.h"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr size_t kAuthIdBytes = 16;
constexpr size_t kTokenIdBytes = 16;

Outcome<Tokens> denied(std::string why) { return {LCG_E_DENIED, std::move(why), {}}; }

}  // namespace

Task<Outcome<Tokens>> Logins::start(std::string user, std::string type, std::string name) {
  const Reply loaded = co_await ring_.ensure_loaded();
  if (!loaded.ok()) co_return Outcome<Tokens>{loaded.status, loaded.message, {}};
  RefreshToken token;
  token.user = user;
  token.auth_id = base64url(host_.random_bytes(kAuthIdBytes));
  token.family = host_.random_bytes(RefreshToken::kFamilyBytes);
  token.secret = host_.random_bytes(RefreshToken::kSecretBytes);
  Login login;
  login.auth_id = token.auth_id;
  login.record.type = std::move(type);
  login.record.subject = user;
  login.record.name = std::move(name);
  login.record.created_ms = login.record.refreshed_ms = host_.wall_ms();
  login.record.expires_ms = login.record.created_ms + rules_.refresh_ttl.count();
  login.record.family_hash = sha256(token.family);
  login.record.refresh_hash = sha256(token.secret);
  const Reply added = co_await make_room(user, std::move(login));
  if (!added.ok()) co_return Outcome<Tokens>{added.status, added.message, {}};
  co_return tokens(user, token.auth_id, token.encode());
}

Task<Outcome<Tokens>> Logins::issue(std::string user, std::string type, std::chrono::milliseconds ttl) {
  const Reply loaded = co_await ring_.ensure_loaded();
  if (!loaded.ok()) co_return Outcome<Tokens>{loaded.status, loaded.message, {}};
  Login login;
  login.auth_id = base64url(host_.random_bytes(kAuthIdBytes));
  login.record.type = std::move(type);
  login.record.subject = user;
  login.record.name = user.substr(rules_.policy.user_prefix.size());
  login.record.created_ms = login.record.refreshed_ms = host_.wall_ms();
  login.record.expires_ms = login.record.created_ms + ttl.count();
  const std::string auth_id = login.auth_id;
  const Reply added = co_await make_room(user, std::move(login));
  if (!added.ok()) co_return Outcome<Tokens>{added.status, added.message, {}};
  Outcome<Tokens> out;
  out.value.access = access_token(user, auth_id, ttl.count());
  out.value.expires_in_s = ttl.count() / 1000;
  out.value.user = user;
  out.value.auth_id = auth_id;
  co_return out;
}

// Adds `login`, dropping what has expired and, when there are too many, what was not used for longest.
Task<Reply> Logins::make_room(std::string user, Login login) {
  Outcome<std::vector<Login>> present = co_await store_.logins(user);
  if (!present.ok()) co_return Reply::error(present.status, present.message);
  std::vector<Login>& logins = present.value;
  const int64_t now = host_.wall_ms();
  std::sort(logins.begin(), logins.end(),
            [](const Login& a, const Login& b) { return a.record.refreshed_ms > b.record.refreshed_ms; });
  std::vector<std::string> erased, evicted;
  size_t kept = 0;
  for (const Login& old : logins) {
    if (old.record.expires_ms <= now) {
      erased.push_back(old.auth_id);
    } else if (++kept >= rules_.logins_per_user) {
      erased.push_back(old.auth_id);
      evicted.push_back(old.auth_id);
    }
  }
  Reply reply = co_await store_.add_login(user, std::move(login), std::move(erased));
  if (!reply.ok()) co_return reply;
  // The new login stands whatever becomes of the old one's sessions.
  for (const std::string& auth_id : evicted) co_await end_sessions(user, auth_id, "too many logins");
  co_return reply;
}

Task<Outcome<Tokens>> Logins::refresh(std::string text) {
  std::optional<RefreshToken> token = RefreshToken::decode(text, rules_.policy.user_prefix);
  if (!token) co_return denied("not a refresh token");
  const Reply loaded = co_await ring_.ensure_loaded();
  if (!loaded.ok()) co_return Outcome<Tokens>{loaded.status, loaded.message, {}};
  Outcome<Stored<LoginRecord>> found = co_await store_.login(token->user, token->auth_id);
  if (found.status == LCG_E_NOT_FOUND) co_return denied("the login has ended");
  if (!found.ok()) co_return Outcome<Tokens>{found.status, found.message, {}};

  LoginRecord& record = found.value.record;
  const int64_t now = host_.wall_ms();
  if (record.family_hash.empty() || !same_secret(sha256(token->family), record.family_hash))
    co_return denied("not a refresh token");
  const std::string presented = sha256(token->secret);
  const bool current = same_secret(presented, record.refresh_hash);
  const bool in_grace = !record.previous_hash.empty() && same_secret(presented, record.previous_hash) &&
                        now < record.refreshed_ms + rules_.refresh_grace.count();
  if (!current && !in_grace) {
    host_.warn("refresh token of user " + token->user + " used twice: login revoked");
    const Reply revoked = co_await revoke(token->user, token->auth_id);
    if (!revoked.ok()) co_return Outcome<Tokens>{revoked.status, revoked.message, {}};
    co_return denied("the refresh token was used before");
  }
  if (record.expires_ms <= now) co_return denied("the login has expired");

  token->secret = host_.random_bytes(RefreshToken::kSecretBytes);
  record.previous_hash = current ? record.refresh_hash : record.previous_hash;
  record.refresh_hash = sha256(token->secret);
  record.refreshed_ms = now;
  record.expires_ms = now + rules_.refresh_ttl.count();
  Login login{token->auth_id, record};
  const Reply replaced = co_await store_.replace_login(token->user, std::move(login), found.value.bytes);
  // Somebody else used or revoked it since we read it; if it was used, the next try with this token tells.
  if (replaced.status == LCG_E_CONFLICT) co_return denied("the refresh token was used meanwhile");
  if (!replaced.ok()) co_return Outcome<Tokens>{replaced.status, replaced.message, {}};
  co_return tokens(token->user, token->auth_id, token->encode());
}

Task<Outcome<TokenCheck>> Logins::read_token(std::string token) {
  Outcome<TokenCheck> out;
  const Reply loaded = co_await ring_.ensure_loaded();
  if (!loaded.ok()) co_return Outcome<TokenCheck>{loaded.status, loaded.message, {}};
  out.value = check_token(token, ring_.keys(), rules_.policy, host_.wall_ms() / 1000);
  if (out.value.fault != TokenFault::kUnknownKey) co_return out;
  const bool read_again = co_await ring_.look_again();
  if (read_again) out.value = check_token(token, ring_.keys(), rules_.policy, host_.wall_ms() / 1000);
  co_return out;
}

Task<Outcome<LiveLogin>> Logins::check(std::string token) {
  Outcome<TokenCheck> read = co_await read_token(std::move(token));
  Outcome<LiveLogin> out{read.status, std::move(read.message), {}};
  out.value.fault = read.value.fault;
  out.value.claims = std::move(read.value.claims);
  if (!out.ok() || out.value.fault != TokenFault::kNone) co_return out;
  const Claims& claims = out.value.claims;
  Outcome<Stored<LoginRecord>> login = co_await store_.login(claims.user, claims.auth_id);
  if (login.status == LCG_E_NOT_FOUND || (login.ok() && login.value.record.expires_ms <= host_.wall_ms())) {
    out.value.revoked = true;
  } else if (!login.ok()) {
    out.status = login.status;
    out.message = std::move(login.message);
  } else {
    out.value.name = std::move(login.value.record.name);
  }
  co_return out;
}

Task<Reply> Logins::revoke(std::string user, std::string auth_id) {
  std::vector<std::string> erased;
  if (auth_id.empty()) {
    Outcome<std::vector<Login>> all = co_await store_.logins(user);
    if (!all.ok()) co_return Reply::error(all.status, all.message);
    for (Login& login : all.value) erased.push_back(std::move(login.auth_id));
  } else {
    erased.push_back(auth_id);
  }
  Reply reply = co_await store_.erase_logins(user, std::move(erased));
  if (!reply.ok()) co_return reply;
  co_return co_await end_sessions(std::move(user), std::move(auth_id), "login revoked");
}

Task<Reply> Logins::revoke_by_refresh_token(std::string text) {
  const std::optional<RefreshToken> token = RefreshToken::decode(text, rules_.policy.user_prefix);
  if (!token) co_return Reply();
  Outcome<Stored<LoginRecord>> found = co_await store_.login(token->user, token->auth_id);
  if (found.status == LCG_E_NOT_FOUND) co_return Reply();
  if (!found.ok()) co_return Reply::error(found.status, found.message);
  if (!same_secret(sha256(token->family), found.value.record.family_hash)) co_return Reply();
  co_return co_await revoke(token->user, token->auth_id);
}

Task<Reply> Logins::end_sessions(std::string user, std::string auth_id, std::string reason) {
  Disconnect disconnect;
  disconnect.code = kRevokedCode;
  disconnect.reason = std::move(reason);
  disconnect.user_id = std::move(user);
  disconnect.auth_id = std::move(auth_id);
  Reply ended = co_await lcg::end_sessions(host_, std::move(disconnect));
  if (!ended.ok())
    host_.error("not all sessions of a revoked login are known to be closed: status " +
                std::to_string(ended.status));
  co_return ended;
}

std::string Logins::access_token(const std::string& user, const std::string& auth_id, int64_t ttl_ms) const {
  Claims claims;
  claims.issuer = rules_.policy.issuer;
  claims.audience = rules_.policy.audience;
  claims.user = user;
  claims.auth_id = auth_id;
  claims.token_id = base64url(host_.random_bytes(kTokenIdBytes));
  claims.issued_s = host_.wall_ms() / 1000;
  claims.expires_s = claims.issued_s + ttl_ms / 1000;
  return sign_token(claims, ring_.signing_key());
}

Outcome<Tokens> Logins::tokens(const std::string& user, const std::string& auth_id,
                               std::string refresh) const {
  Outcome<Tokens> out;
  out.value.access = access_token(user, auth_id, rules_.access_ttl.count());
  out.value.refresh = std::move(refresh);
  out.value.expires_in_s = rules_.access_ttl.count() / 1000;
  out.value.user = user;
  out.value.auth_id = auth_id;
  return out;
}

}  // namespace lcg::uaa
