// revoke, revoke_token, invalidate_user_tokens: of a user all tokens, those of one login or those issued before
// a moment; or one token by its id.
//
// Each service of gateway.api.revoke_services is asked: its method "revoke", key the user (or, without one, the
// token's id). The data is a message of the SDK's wire format, which only ever grows at its end: str login,
// str token id, u64 issued before (Unix ms, 0: any), u64 kept until (Unix ms, 0: for the service to say). The
// service "uaa" reads the first and knows no others, so it is not asked about what it would not see.
#include "gateway/api/answer_json.h"
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

constexpr std::string_view kLoginService = "uaa";

// lcg_status, as far as it matters here.
constexpr int32_t kOk = 0, kInvalid = -1, kNotFound = -4, kUnavailable = -8;

void put_number(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>((value & 0x7f) | 0x80));
  out.push_back(static_cast<char>(value));
}
void put_text(std::string& out, std::string_view text) {
  put_number(out, text.size());
  out.append(text);
}

std::string message_of(const Params& params) {
  std::string out(1, '\x01');  // the format's version
  put_text(out, params.auth);
  put_text(out, params.uid);
  put_number(out, static_cast<uint64_t>(ms_of(params.issued_before)));
  put_number(out, static_cast<uint64_t>(ms_of(params.expire_at)));
  return out;
}

Error error_of(const ServiceCallResponse& answer) {
  if (answer.status == kOk || answer.status == kNotFound) return {};  // there was none: that is as well
  Error error = make_error(answer.error_code != 0          ? answer.error_code
                           : answer.status == kInvalid     ? error_code::kBadRequest
                           : answer.status == kUnavailable ? error_code::kNotAvailable
                                                           : error_code::kInternal);
  if (!answer.message.empty()) error.message = answer.message;
  return error;
}

struct Revocation {
  CallPtr call;
  std::string key, data;
  std::vector<std::string> services;
  std::vector<Outcome> answers;
};

void ask_service(const std::shared_ptr<Revocation>& state, size_t index, LaneTask next) {
  Context& context = state->call->context;
  ServiceCall request;
  request.service = state->services[index];
  request.method = "revoke";
  request.key = state->key;
  request.data = state->data;
  request.caller = "api";
  ask(context.bus, context.lane, context.routes.user(state->key), std::move(request),
      [state, index, next = std::move(next)](ServiceCallResponse answer) mutable {
        state->answers[index].error = error_of(answer);
        next();
      });
}

void answer_revocation(Revocation& state) {
  for (size_t i = 0; i < state.answers.size(); ++i) {
    if (!state.answers[i].ok())
      return state.call->refuse(state.answers[i], "service '" + state.services[i] + "'");
  }
  state.call->succeed();
}

}  // namespace

void revoke(CallPtr call) {
  const Params& params = call->params;
  if (params.user.empty() && params.uid.empty())
    return call->fail(error_code::kBadRequest, "user", "must be given, or uid for one token");
  if (!params.channel.empty())
    return call->fail(error_code::kNotAvailable, "channel", "subscription tokens end with their connection");
  const bool by_time = params.issued_before != 0;
  auto state = std::make_shared<Revocation>();
  for (const std::string& service : call->context.config.revoke_services) {
    if (service == kLoginService && by_time) {
      return call->fail(error_code::kNotAvailable, "issued_before",
                        "the service 'uaa' revokes logins whatever their age; leave it out");
    }
    if (service != kLoginService || params.uid.empty()) state->services.push_back(service);
  }
  if (state->services.empty()) {
    return call->fail(error_code::kNotAvailable, params.uid.empty() ? "user" : "uid",
                      "no service of gateway.api.revoke_services does that");
  }
  state->key = params.user.empty() ? params.uid : params.user;
  state->data = message_of(params);
  state->answers.resize(state->services.size());
  state->call = std::move(call);
  const size_t count = state->services.size();
  Bounded::run(
      count, count, [state](size_t index, LaneTask next) { ask_service(state, index, std::move(next)); },
      [state] { answer_revocation(*state); });
}

}  // namespace lcg::gateway::api
