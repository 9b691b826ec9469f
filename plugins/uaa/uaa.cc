// SPDX-License-Identifier: Apache-2.0
// uaa: who somebody is. Lets sessions in by access token, serves /oauth/* and the service "uaa". Settings:
// README.md.
//
// Instances hold nothing that matters: users, logins and keys are in the store, so any instance on any node
// can answer any request, and a revocation is known everywhere the moment it is acknowledged. Passwords pass through
// one of them (password_gate), whose counts last as long as it does.
#include <sodium.h>

#include <cmath>
#include <memory>
#include <string>

#include "lcg/channel_name.hpp"
#include "lcg/plugin.hpp"
#include "lcg/services/uaa.hpp"
#include "lcg/timer.hpp"
#include "lcg/users.hpp"
#include "plugins/uaa/oauth.h"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

using namespace std::chrono_literals;

// Client protocol codes.
constexpr uint32_t kErrorTokenExpired = 109;
constexpr uint32_t kCloseExpired = 3005;       // clients reconnect, with a fresh token
constexpr uint32_t kCloseInvalidToken = 3500;  // they do not

// The store may come up, or take over the slots, a little after us.
constexpr int kStartTries = 20;
constexpr auto kStartRetry = 250ms;

struct Settings {
  LoginRules logins;
  PasswordRules passwords;
  GateRules gate;
  OAuthRules oauth;
  std::chrono::milliseconds key_rotate, key_keep;
  std::string key_credential, personal_prefix;
  std::string user_prefix;  // of every id; users choose what follows
};

AttemptLimit::Rule read_rule(const Host& host, const std::string& key, AttemptLimit::Rule fallback) {
  const auto number = [&](const std::string& name, double otherwise) {
    return static_cast<double>(host.config_int(key + name, static_cast<int64_t>(otherwise), 0, 1'000'000));
  };
  return {number(".burst", fallback.burst), number(".per_minute", fallback.per_minute)};
}

AttemptLimit::Rule read_slow_rule(const Host& host, const std::string& key, AttemptLimit::Rule fallback) {
  const auto number = [&](const std::string& name, double otherwise) {
    return static_cast<double>(host.config_int(key + name, std::llround(otherwise), 1, 1'000'000));
  };
  return {number(".burst", fallback.burst), number(".per_hour", fallback.per_minute * 60) / 60};
}

Settings read_settings(const Host& host) {
  Settings s;
  s.oauth.issuer = host.config("issuer", "http://localhost:8000");
  s.logins.policy.issuer = s.oauth.issuer;
  s.logins.policy.audience = host.config("audience", "lcg");
  s.logins.policy.leeway_s =
      host.config_duration("leeway", 5s, 0s, std::chrono::seconds(kMaxLeewaySeconds)).count() / 1000;
  s.logins.access_ttl = host.config_duration("access_ttl", 15min, 1s, 24h);
  s.logins.refresh_ttl = host.config_duration("refresh_ttl", s.logins.refresh_ttl, 1min);
  s.logins.refresh_grace = host.config_duration("refresh_grace", 0s, 0s, 1min);
  s.logins.logins_per_user =
      static_cast<size_t>(host.config_int("logins_per_user", 64, 1, AccountStore::kMaxLogins / 2));
  s.passwords.min_bytes = static_cast<size_t>(host.config_int("password_min", 8, 1, kMaxPasswordBytes));
  s.passwords.cost.memory_bytes = host.config_size("argon2_memory", 64u << 20, 8u << 10, 4ull << 30);
  s.passwords.cost.passes = static_cast<uint64_t>(host.config_int("argon2_passes", 2, 1, 100));
  FairQueue::Rules& turns = s.passwords.turns;
  turns.turns = static_cast<size_t>(host.config_int("argon2_concurrency", 2, 1, 64));
  turns.waiting = static_cast<size_t>(host.config_int("argon2_queue", 256, 1, 100'000));
  turns.per_key = static_cast<size_t>(host.config_int("argon2_queue_per_address", 16, 1, 100'000));
  const std::string registration = host.config("registration", "open");
  if (registration != "open" && registration != "closed")
    throw ConfigError("registration", "open or closed", registration);
  s.oauth.open_registration = registration == "open";
  s.gate.names.per_source = read_rule(host, "limits.user", s.gate.names.per_source);
  s.gate.names.per_name = read_rule(host, "limits.name", s.gate.names.per_name);
  s.gate.names.slow = read_slow_rule(host, "limits.slow", s.gate.names.slow);
  s.gate.per_address = read_rule(host, "limits.address", s.gate.per_address);
  s.gate.registrations = read_rule(host, "limits.registration", s.gate.registrations);
  s.gate.proof_ttl = host.config_duration("device_proof_ttl", s.gate.proof_ttl, 1h);
  s.key_rotate = host.config_duration("key.rotate", 24h * 90, 1h);
  s.key_keep = host.config_duration("key.keep", 48h, 24h);
  if (s.key_keep > s.key_rotate * KeyRing::kMaxByAge)
    throw ConfigError("key.keep: at most " + std::to_string(KeyRing::kMaxByAge) +
                      " times key.rotate: so many signing keys would be kept, and published");
  s.key_credential = host.config("key.credential", "");
  if (const std::string fault = fault_of_credential_path(s.key_credential); !fault.empty())
    throw ConfigError("key.credential: " + fault);
  s.personal_prefix = host.config("personal_prefix", "#");
  s.user_prefix = user_prefix(host);
  s.logins.policy.user_prefix = s.passwords.user_prefix = s.oauth.user_prefix = s.user_prefix;
  return s;
}

class Uaa {
 public:
  explicit Uaa(Host host)
      : Uaa(host, sodium_init() < 0 ? throw ConfigError("libsodium cannot start")
                                    : read_settings(storage::required(host))) {}

  Task<Reply> start() {
    Reply loaded = co_await ring_.load();
    for (int tries = 1; !loaded.ok() && loaded.status != LCG_E_DENIED && tries < kStartTries; ++tries) {
      const lcg_status slept = co_await host_.sleep(kStartRetry);
      if (slept != LCG_OK) break;
      loaded = co_await ring_.load();
    }
    if (!loaded.ok()) co_return loaded;
    reload_.every(KeyRing::kReloadInterval, [this] { host_.spawn(reload()); });
    co_return loaded;
  }

  Task<Reply> on_connect(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    const Outcome<LiveLogin> login = co_await logins_.check(std::move(request.credential));
    if (!login.ok()) co_return Reply::error(login.status, "logins cannot be checked now");
    if (wants_new_token(login.value))
      co_return Reply::error(LCG_E_DENIED, "token expired", kErrorTokenExpired);
    if (!is_live(login.value)) co_return Reply::close(kCloseInvalidToken, refusal(login.value));
    const Claims& claims = login.value.claims;
    Reply reply = Reply::user(claims.user);
    reply.auth_id = claims.auth_id;
    reply.expire_at_ms = claims.expires_s * 1000;
    reply.info = R"({"name":)" + json_string(login.value.name) + "}";
    std::string personal = personal_prefix_ + user_in_channel(claims.user);
    if (!personal_prefix_.empty() && personal.size() <= kMaxChannelBytes)
      reply.channels.push_back(std::move(personal));
    co_return reply;
  }

  Task<Reply> on_refresh(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    const Outcome<LiveLogin> login = co_await logins_.check(std::move(request.credential));
    if (!login.ok()) co_return Reply::error(login.status, "logins cannot be checked now");
    const Claims& claims = login.value.claims;
    if (wants_new_token(login.value)) co_return Reply::close(kCloseExpired, "token expired");
    if (!is_live(login.value)) co_return Reply::close(kCloseInvalidToken, refusal(login.value));
    if (claims.user != request.user_id) co_return Reply::close(kCloseInvalidToken, "token of another user");
    // The session would outlive the revocation of the login it now goes by: let it come back under the new
    // one.
    if (claims.auth_id != request.auth_id) co_return Reply::close(kCloseExpired, "token of another login");
    Reply reply = Reply::grant();
    reply.expire_at_ms = claims.expires_s * 1000;
    co_return reply;
  }

  void on_stopping() { passwords_.stop(); }

  Task<Reply> on_http(Request request) { return oauth_.serve(std::move(request)); }

  Task<Reply> on_call(ServiceCall call) {
    if (call.method == "inspect") return inspect(std::move(call));
    if (call.method == "add_user") return add_user(std::move(call));
    if (call.method == "issue_token") return issue_token(std::move(call));
    if (call.method == "check_shown") return check_shown(std::move(call));
    if (call.method == "is_registered") return passwords_.is_registered(std::move(call.key));
    if (call.method == "revoke") return revoke(std::move(call));
    if (call.caller == "uaa" && call.method == "gate_login") return gate_.on_login(std::move(call));
    if (call.caller == "uaa" && call.method == "gate_add") return gate_.on_add(std::move(call));
    if (call.method == "keys") return keys();
    if (call.method == "rotate_key") return changed_keys(ring_.rotate());
    if (call.method == "rewrap_keys") return changed_keys(ring_.rewrap());
    return unknown_method();
  }

 private:
  Uaa(Host host, Settings settings)
      : host_(host),
        max_issued_ttl_(settings.key_keep),
        personal_prefix_(std::move(settings.personal_prefix)),
        user_prefix_(std::move(settings.user_prefix)),
        ring_(host, settings.key_rotate, settings.key_keep, settings.key_credential),
        logins_(host, std::move(settings.logins), ring_),
        passwords_(host, std::move(settings.passwords)),
        gate_(host, settings.gate, passwords_),
        oauth_(host, std::move(settings.oauth), logins_, gate_, ring_),
        reload_(host) {}

  Reply no_user_of_ours() const {
    return Reply::error(LCG_E_NOT_FOUND, user_prefix_.empty() ? "not a user id of uaa"
                                                              : "user ids of uaa begin with " + user_prefix_);
  }

  static bool wants_new_token(const LiveLogin& login) {
    return login.fault == TokenFault::kExpired || login.fault == TokenFault::kNotYet;
  }
  static bool is_live(const LiveLogin& login) { return login.fault == TokenFault::kNone && !login.revoked; }
  static std::string refusal(const LiveLogin& login) {
    return login.revoked ? "login revoked" : std::string(fault_text(login.fault));
  }

  Task<void> reload() {
    const Reply loaded = co_await ring_.load();
    if (!loaded.ok()) host_.warn("signing keys could not be read again: " + loaded.message);
  }

  Task<Reply> add_user(ServiceCall call) {
    wire::Reader reader(call.data);
    NewUser fresh;
    fresh.user = std::move(call.key);
    fresh.password = reader.str();
    fresh.name = reader.str();
    if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
    co_return co_await gate_.add(std::move(fresh), call.deadline_ns);
  }

  Task<Reply> check_shown(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string name(reader.str());
    if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
    co_return co_await passwords_.check_shown(std::move(call.key), std::move(name));
  }

  Task<Reply> issue_token(ServiceCall call) {
    wire::Reader reader(call.data);
    const uint64_t ttl_ms = reader.u64();
    if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
    if (!is_user_id(call.key, user_prefix_)) co_return no_user_of_ours();
    if (ttl_ms < 1000 || ttl_ms > static_cast<uint64_t>(max_issued_ttl_.count()))
      co_return Reply::error(LCG_E_INVALID, "a token lives 1 s to key.keep");
    const std::chrono::milliseconds ttl(static_cast<int64_t>(ttl_ms));
    const Outcome<Tokens> issued = co_await logins_.issue(std::move(call.key), "operator", ttl);
    if (!issued.ok()) co_return Reply::error(issued.status, issued.message);
    IssuedToken token;
    token.access_token = issued.value.access;
    token.auth_id = issued.value.auth_id;
    token.expire_at_ms = host_.wall_ms() + ttl.count();
    co_return Reply::with(encode(token));
  }

  Task<Reply> revoke(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string auth_id(reader.str());
    if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
    // Another authority's user: there is nothing of his here, and the caller is to know.
    if (!is_user_id(call.key, user_prefix_)) co_return no_user_of_ours();
    co_return co_await logins_.revoke(std::move(call.key), std::move(auth_id));
  }

  Task<Reply> inspect(ServiceCall call) {
    wire::Reader reader(call.data);
    std::string token(reader.str());
    if (!reader.ok()) co_return Reply::error(LCG_E_INVALID, "malformed call");
    const Outcome<LiveLogin> login = co_await logins_.check(std::move(token));
    if (!login.ok()) co_return Reply::error(login.status, login.message);
    const Claims& claims = login.value.claims;
    Inspection out;
    out.active = is_live(login.value);
    out.verdict = out.active ? "valid" : refusal(login.value);
    out.user = claims.user;
    out.auth_id = claims.auth_id;
    out.token_id = claims.token_id;
    out.issuer = claims.issuer;
    out.audience = claims.audience;
    out.issued_at_ms = claims.issued_s * 1000;
    out.expire_at_ms = claims.expires_s * 1000;
    co_return Reply::with(encode(out));
  }

  Task<Reply> keys() {
    const Reply loaded = co_await ring_.ensure_loaded();
    co_return loaded.ok() ? Reply::with(ring_.describe()) : loaded;
  }

  Task<Reply> changed_keys(Task<Reply> change) {
    const Reply changed = co_await std::move(change);
    co_return changed.ok() ? Reply::with(ring_.describe()) : changed;
  }

  static Task<Reply> unknown_method() { co_return Reply::error(LCG_E_UNSUPPORTED, "uaa has no such method"); }

  const Host host_;
  const std::chrono::milliseconds max_issued_ttl_;
  const std::string personal_prefix_;
  const std::string user_prefix_;
  KeyRing ring_;
  Logins logins_;
  PasswordCheck passwords_;
  PasswordGate gate_;
  OAuth oauth_;
  Timer reload_;
};

}  // namespace
}  // namespace lcg::uaa

LCG_PLUGIN_PROVIDES(lcg::uaa::Uaa, "uaa", "0.1.0", "Apache-2.0", "uaa")
