// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/oauth.h"

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

Reply refuse(uint32_t http_status, std::string_view error, std::string_view description) {
  return Reply::http(http_status, R"({"error":)" + json_string(error) + R"(,"error_description":)" +
                                      json_string(description) + "}");
}

Reply invalid_request(std::string_view description) { return refuse(400, "invalid_request", description); }
Reply slow_down() { return refuse(429, "slow_down", "too many attempts, try again in a minute"); }

// What a failed step of ours becomes; the step's own text is for the log, not for a stranger.
Reply unavailable(const Host& host, lcg_status status, const std::string& why) {
  if (status != LCG_E_BUSY && status != LCG_E_TIMEOUT) host.warn("login not possible now: " + why);
  return refuse(503, "temporarily_unavailable", "try again");
}

// `proof` is of a login by password.
Reply token_answer(const Tokens& tokens, std::string_view proof = {}) {
  std::string body = R"({"access_token":)" + json_string(tokens.access) +
                     R"(,"token_type":"Bearer","expires_in":)" + std::to_string(tokens.expires_in_s) +
                     R"(,"refresh_token":)" + json_string(tokens.refresh) + R"(,"user_id":)" +
                     json_string(tokens.user);
  if (!proof.empty()) body += R"(,"device_proof":)" + json_string(proof);
  return Reply::http(200, body + "}");
}

Task<Reply> answer(Reply reply) { co_return reply; }

}  // namespace

OAuth::OAuth(Host host, OAuthRules rules, Logins& logins, PasswordGate& gate, KeyRing& ring)
    : host_(host), rules_(std::move(rules)), logins_(logins), gate_(gate), ring_(ring) {}

Task<Reply> OAuth::serve(Request request) {
  using Handler = Task<Reply> (OAuth::*)(Request);
  static constexpr struct {
    std::string_view path, method;
    Handler handler;
  } kRoutes[] = {{"/oauth/token", "POST", &OAuth::token},
                 {"/oauth/register", "POST", &OAuth::add_user},
                 {"/oauth/revoke", "POST", &OAuth::revoke},
                 {"/.well-known/jwks.json", "GET", &OAuth::jwks},
                 {"/.well-known/oauth-authorization-server", "GET", &OAuth::metadata}};
  const std::string_view name = request.name;
  const size_t space = name.find(' ');
  const std::string_view method = name.substr(0, space);
  const std::string_view path = space == std::string_view::npos ? std::string_view() : name.substr(space + 1);
  for (const auto& route : kRoutes) {
    if (path != route.path) continue;
    if (method == route.method) return (this->*route.handler)(std::move(request));
    return answer(refuse(405, "invalid_request", "this path takes " + std::string(route.method)));
  }
  return answer(Reply::defer());
}

Task<Reply> OAuth::token(Request request) {
  std::optional<Parameters> parameters = parse_parameters(request.data);
  if (!parameters) co_return invalid_request("the body is neither a form nor a flat JSON object");
  const std::string grant(parameter(*parameters, "grant_type"));
  if (grant == "password") co_return co_await password_grant(*std::move(parameters), std::move(request));
  if (grant == "refresh_token") co_return co_await refresh_grant(*std::move(parameters));
  if (grant.empty()) co_return invalid_request("grant_type is missing");
  co_return refuse(400, "unsupported_grant_type", "grant_type is password or refresh_token");
}

Task<Reply> OAuth::password_grant(Parameters parameters, Request request) {
  const std::string user = rules_.user_prefix + std::string(parameter(parameters, "username"));
  PasswordTry attempt;
  attempt.user = user;
  attempt.password = parameter(parameters, "password");
  attempt.proof = parameter(parameters, "device_proof");
  attempt.remote = request.remote_addr;
  if (user.size() == rules_.user_prefix.size() || attempt.password.empty())
    co_return invalid_request("username and password are needed");
  const Outcome<Known> known = co_await gate_.login(std::move(attempt), request.deadline_ns);
  if (known.status == LCG_E_DENIED) co_return refuse(400, "invalid_grant", known.message);
  if (known.status == LCG_E_CONFLICT) co_return slow_down();
  if (!known.ok()) co_return unavailable(host_, known.status, known.message);
  const Outcome<Tokens> started = co_await logins_.start(user, "password", known.value.name);
  if (!started.ok()) co_return unavailable(host_, started.status, started.message);
  co_return token_answer(started.value, known.value.proof);
}

Task<Reply> OAuth::refresh_grant(Parameters parameters) {
  std::string text(parameter(parameters, "refresh_token"));
  if (text.empty()) co_return invalid_request("refresh_token is missing");
  const Outcome<Tokens> next = co_await logins_.refresh(std::move(text));
  if (next.status == LCG_E_DENIED) co_return refuse(400, "invalid_grant", next.message);
  if (!next.ok()) co_return unavailable(host_, next.status, next.message);
  co_return token_answer(next.value);
}

Task<Reply> OAuth::add_user(Request request) {
  if (!rules_.open_registration)
    co_return refuse(403, "access_denied", "registration is closed on this server");
  std::optional<Parameters> parameters = parse_parameters(request.data);
  if (!parameters) co_return invalid_request("the body is neither a form nor a flat JSON object");
  const std::string user = rules_.user_prefix + std::string(parameter(*parameters, "username"));
  NewUser fresh;
  fresh.user = user;
  fresh.password = parameter(*parameters, "password");
  fresh.name = parameter(*parameters, "name");
  fresh.remote = request.remote_addr;
  const Reply added = co_await gate_.add(std::move(fresh), request.deadline_ns);
  if (added.error_code == PasswordGate::kLimited) co_return slow_down();
  if (added.status == LCG_E_INVALID) co_return invalid_request(added.message);
  if (added.status == LCG_E_CONFLICT) co_return refuse(409, "user_exists", added.message);
  if (!added.ok()) co_return unavailable(host_, added.status, added.message);
  co_return Reply::http(201, R"({"user_id":)" + json_string(user) + "}");
}

// RFC 7009 section 2.2: what is not a live token of ours is revoked already.
Task<Reply> OAuth::revoke(Request request) {
  std::optional<Parameters> parameters = parse_parameters(request.data);
  if (!parameters) co_return invalid_request("the body is neither a form nor a flat JSON object");
  std::string token(parameter(*parameters, "token"));
  if (token.empty()) co_return invalid_request("token is missing");
  Outcome<TokenCheck> read = co_await logins_.read_token(token);
  if (!read.ok()) co_return unavailable(host_, read.status, read.message);
  const TokenFault fault = read.value.fault;
  Reply revoked;
  if (fault == TokenFault::kNone || fault == TokenFault::kExpired) {
    Claims& claims = read.value.claims;
    revoked = co_await logins_.revoke(std::move(claims.user), std::move(claims.auth_id));
  } else {
    revoked = co_await logins_.revoke_by_refresh_token(std::move(token));
  }
  if (!revoked.ok()) co_return unavailable(host_, revoked.status, revoked.message);
  co_return Reply::http(200, "{}");
}

Task<Reply> OAuth::jwks(Request) {
  const Reply loaded = co_await ring_.ensure_loaded();
  if (!loaded.ok()) co_return unavailable(host_, loaded.status, loaded.message);
  co_return Reply::http(200, ring_.jwks(), "application/jwk-set+json");
}

Task<Reply> OAuth::metadata(Request) {
  const auto at = [this](std::string_view path) { return json_string(rules_.issuer + std::string(path)); };
  co_return Reply::http(200, R"({"issuer":)" + at("") + R"(,"token_endpoint":)" + at("/oauth/token") +
                                 R"(,"revocation_endpoint":)" + at("/oauth/revoke") + R"(,"jwks_uri":)" +
                                 at("/.well-known/jwks.json") +
                                 R"(,"response_types_supported":[],"grant_types_supported":["password",)"
                                 R"("refresh_token"],"token_endpoint_auth_methods_supported":["none"],)"
                                 R"("revocation_endpoint_auth_methods_supported":["none"]})");
}

}  // namespace lcg::uaa
