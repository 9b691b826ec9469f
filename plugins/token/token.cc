// SPDX-License-Identifier: Apache-2.0
// token: lets sessions in, and into channels, by tokens that somebody else's back end has signed (client-protocol
// 1.7, 1.12, 1.13). Settings: README.md.
//
// Instances share nothing: keys come from the owner of their endpoint's slot, revocations from the owner of the jti's
// or the user's.
#include <sodium.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "lcg/json.hpp"
#include "lcg/plugin.hpp"
#include "plugins/token/checker.h"
#include "plugins/token/key_fetcher.h"

namespace lcg::token {
namespace {

using Verdict = Checked::Verdict;

// Client protocol codes.
constexpr uint32_t kErrorInternal = 100;
constexpr uint32_t kErrorDenied = 103;
constexpr uint32_t kErrorTokenExpired = 109;
constexpr uint32_t kCloseExpired = 3005;
constexpr uint32_t kCloseInvalidToken = 3500;
constexpr uint32_t kClosePermissionDenied = 3507;

void put(json::Writer& out, std::string_view name, const std::optional<bool>& value) {
  if (value) out.raw(name, *value ? R"({"value":true})" : R"({"value":false})");
}

// "" when nothing is overridden.
std::string override_json(const Override& o) {
  json::Writer out;
  put(out, "presence", o.presence);
  put(out, "join_leave", o.join_leave);
  put(out, "force_push_join_leave", o.force_push_join_leave);
  put(out, "force_recovery", o.force_recovery);
  put(out, "force_positioning", o.force_positioning);
  std::string text = out.take();
  return text == "{}" ? std::string() : text;
}

// docs/plugins.md, "Options": what one subscription is given.
std::string options_json(const std::string& info, const std::string& data, const Override& o) {
  json::Writer out;
  if (!info.empty()) out.raw("info", info);
  if (!data.empty()) out.raw("data", data);
  if (const std::string text = override_json(o); !text.empty()) out.raw("override", text);
  return out.take();
}

// The server-side subscriptions: names alone where none has an option.
void put_subs(const std::vector<Sub>& subs, Reply& reply) {
  std::string list = "{";
  bool plain = true;
  for (const Sub& sub : subs) {
    if (list.size() > 1) list += ',';
    json::append_quoted(list, sub.channel);
    const std::string options = options_json(sub.info, sub.data, sub.override_options);
    list += ':' + options;
    plain = plain && options == "{}";
  }
  if (!plain) {
    reply.options = json::Writer().raw("subs", list + "}").take();
    return;
  }
  for (const Sub& sub : subs) reply.channels.push_back(sub.channel);
}

Reply unknowable(const Checked& checked) {
  Reply reply = Reply::error(LCG_E_UNAVAILABLE, checked.why, kErrorInternal);
  reply.flags = LCG_RESULT_TEMPORARY;
  return reply;
}

class Token {
 public:
  explicit Token(Host host)
      : Token(host, sodium_init() < 0 ? throw ConfigError("libsodium cannot start") : read_settings(host)) {}

  Task<Reply> start() {
    if (host_.instance_index() == 0)
      for (const std::string& warning : settings_.warnings) host_.warn(warning);
    host_.spawn(published_.keep_fresh());
    if (revocations_) revocations_->start_sweeping();
    co_return Reply();
  }

  void on_stopping() { fetcher_.stop(); }

  void on_slot(uint32_t slot, uint64_t, bool owned) {
    if (revocations_) revocations_->on_slot(slot, owned);
  }

  Task<Reply> on_connect(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    Checked checked = co_await checker_.check(std::move(request.credential), TokenKind::kConnection);
    if (checked.verdict == Verdict::kGood) {
      if (checked.claims.channel) co_return Reply::close(kCloseInvalidToken, kOfASubscription);
      if (checked.claims.user.empty() && settings_.refuse_anonymous)
        co_return Reply::close(kClosePermissionDenied, "token without a user");
      checked = co_await checker_.admit(std::move(checked), request.session_id, true);
    }
    if (checked.verdict == Verdict::kNotOurs) co_return Reply::defer();
    if (checked.verdict == Verdict::kUnknownable) co_return unknowable(checked);
    if (checked.verdict == Verdict::kExpired)
      co_return Reply::error(LCG_E_DENIED, checked.why, kErrorTokenExpired);
    if (checked.verdict != Verdict::kGood) co_return Reply::close(kCloseInvalidToken, checked.why);
    Reply reply = Reply::user(checked.claims.user);
    reply.auth_id = checked.claims.token_id;
    put_connection(checked.claims, reply);
    co_return reply;
  }

  Task<Reply> on_refresh(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    Checked checked = co_await checker_.check(std::move(request.credential), TokenKind::kConnection);
    if (checked.verdict == Verdict::kGood) {
      if (checked.claims.channel) co_return Reply::close(kCloseInvalidToken, kOfASubscription);
      if (checked.claims.user != request.user_id) co_return Reply::close(kCloseInvalidToken, kOfAnotherUser);
      checked = co_await checker_.admit(std::move(checked), request.session_id, false);
    }
    if (checked.verdict == Verdict::kNotOurs) co_return Reply::defer();
    if (checked.verdict == Verdict::kUnknownable) co_return unknowable(checked);
    if (checked.verdict == Verdict::kExpired) co_return Reply::close(kCloseExpired, checked.why);
    if (checked.verdict != Verdict::kGood) co_return Reply::close(kCloseInvalidToken, checked.why);
    Reply reply = Reply::grant();
    put_connection(checked.claims, reply);
    co_return reply;
  }

  Task<Reply> on_subscribe(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    Checked checked = co_await checker_.check(std::move(request.credential), TokenKind::kSubscription);
    if (checked.verdict == Verdict::kGood) {
      if (!is_of_channel(checked.claims, request))
        co_return Reply::close(kCloseInvalidToken, kOfAnotherChannel);
      if (const char* stale = stale_for(checked.claims, request); stale != nullptr)
        co_return Reply::error(LCG_E_DENIED, stale, kErrorTokenExpired);
      checked = co_await checker_.admit(std::move(checked), request.session_id, false);
    }
    if (checked.verdict == Verdict::kNotOurs) co_return Reply::defer();
    if (checked.verdict == Verdict::kUnknownable) co_return unknowable(checked);
    if (wants_another(checked)) co_return Reply::error(LCG_E_DENIED, checked.why, kErrorTokenExpired);
    if (checked.verdict != Verdict::kGood) co_return Reply::error(LCG_E_DENIED, checked.why, kErrorDenied);
    co_return subscription(checked.claims);
  }

  Task<Reply> on_sub_refresh(Request request) {
    if (request.credential.empty()) co_return Reply::defer();
    Checked checked = co_await checker_.check(std::move(request.credential), TokenKind::kSubscription);
    if (checked.verdict == Verdict::kGood) {
      if (!is_of_channel(checked.claims, request))
        co_return Reply::close(kCloseInvalidToken, kOfAnotherChannel);
      if (stale_for(checked.claims, request) != nullptr) co_return expired();
      checked = co_await checker_.admit(std::move(checked), request.session_id, false);
    }
    if (checked.verdict == Verdict::kNotOurs) co_return Reply::defer();
    if (checked.verdict == Verdict::kUnknownable) co_return unknowable(checked);
    if (wants_another(checked)) co_return expired();
    if (checked.verdict != Verdict::kGood) co_return Reply::close(kCloseInvalidToken, checked.why);
    co_return subscription(checked.claims);
  }

  void on_disconnect(const Peer& who, uint32_t) {
    if (revocations_) revocations_->session_ended(who.session_id);
  }

  Task<Reply> on_call(ServiceCall call) {
    if (call.method == "keys") return fetcher_.answer(std::move(call));
    if (!revocations_) return no_such_method();
    if (call.method == "admit") return revocations_->on_admit(std::move(call));
    if (call.method == "look") return revocations_->on_look(std::move(call));
    if (call.method == "revoke") return revocations_->on_revoke(std::move(call));
    if (call.method == "end") return revocations_->on_end(std::move(call));
    return no_such_method();
  }

 private:
  Token(Host host, Settings settings)
      : host_(host),
        settings_(std::move(settings)),
        fetcher_(host, settings_.endpoints),
        published_(host, settings_.endpoints.size()),
        revocations_(settings_.revocation
                         ? std::make_unique<Revocations>(host, settings_.revocation_keep,
                                                         std::max(settings_.connection.policy.ahead_s(),
                                                                  settings_.subscription.policy.ahead_s()))
                         : nullptr),
        checker_(host, settings_, published_, revocations_.get()) {}

  static void put_connection(const Claims& claims, Reply& reply) {
    reply.expire_at_ms = claims.lives_until_ms();
    reply.info = claims.info;
    reply.meta = claims.meta;
    put_subs(claims.subs, reply);
  }

  static constexpr const char* kOfASubscription = "token of a subscription";
  static constexpr const char* kOfAnotherChannel = "token of another channel";
  static constexpr const char* kOfAnotherUser = "token of another user";

  static bool is_of_channel(const Claims& claims, const Request& request) {
    return !request.name.empty() && claims.channel == request.name;
  }

  // Of a subscription: whether the client's next token may be good. One revoked token is no more than an old one.
  static bool wants_another(const Checked& checked) {
    return checked.verdict == Verdict::kExpired || checked.verdict == Verdict::kRevoked;
  }

  // An SDK keeps a subscription's token over a reconnect, and over a change of its user: the next one names those that
  // are there now. Null: this one does.
  static const char* stale_for(const Claims& claims, const Request& request) {
    if (claims.user != request.user_id) return kOfAnotherUser;
    if (!claims.client.empty() && claims.client != request.session_id) return "token of another connection";
    return nullptr;
  }

  static Reply expired() {
    Reply reply;
    reply.flags = LCG_RESULT_EXPIRED;
    return reply;
  }

  static Reply subscription(const Claims& claims) {
    Reply reply = Reply::grant();
    reply.expire_at_ms = claims.lives_until_ms();
    reply.info = claims.info;
    reply.data = claims.data;
    const std::string overridden = override_json(claims.override_options);
    if (!overridden.empty()) reply.options = json::Writer().raw("override", overridden).take();
    return reply;
  }

  static Task<Reply> no_such_method() {
    co_return Reply::error(LCG_E_UNSUPPORTED, "token has no such method");
  }

  const Host host_;
  const Settings settings_;
  KeyFetcher fetcher_;
  PublishedKeys published_;
  const std::unique_ptr<Revocations> revocations_;
  Checker checker_;
};

}  // namespace
}  // namespace lcg::token

LCG_PLUGIN_PROVIDES(lcg::token::Token, "token", "0.1.0", "Apache-2.0", "token")
