// revoke, revoke_token, invalidate_user_tokens: of a user all tokens, those of one login, those issued before a moment
// or those of subscriptions to a channel; or one token by its id.
//
// Each service of gateway.api.revoke_services is asked, by the messages of the SDK: "uaa" as lcg/services/uaa.hpp says
// (a login, or all), every other as lcg/services/token_wire.hpp (`Revocation`). What "uaa" has no word for it is not
// asked, and the call refused where it would leave tokens good that were meant.
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

constexpr std::string_view kLoginService = "uaa";

// lcg_status, as far as it matters here.
constexpr int32_t kOk = 0, kInvalid = -1, kUnsupported = -2, kNotFound = -4, kUnavailable = -8;

// The SDK's wire format: a version, then LEB128 numbers and texts with their length before them.
class Message {
 public:
  Message& number(uint64_t value) {
    for (; value >= 0x80; value >>= 7) out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  Message& text(std::string_view text) {
    number(text.size());
    out_.append(text);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_ = "\x01";
};

// What one service is asked.
struct Question {
  std::string service, key, data;
};

Question ask_logins(const Params& params) {
  return {std::string(kLoginService), params.user, Message().text(params.auth).take()};
}

// There a login is the token that it came with.
Question ask_tokens(std::string service, const Params& params) {
  const std::string& token = params.uid.empty() ? params.auth : params.uid;
  const std::string user = token.empty() ? params.user : std::string();
  Message message;
  message.text(token).text(user).number(static_cast<uint64_t>(params.issued_before)).text(params.channel);
  message.number(static_cast<uint64_t>(params.expire_at)).number(0).text("");
  return {std::move(service), token.empty() ? user : token, message.take()};
}

Error error_of(const ServiceCallResponse& answer) {
  if (answer.status == kOk || answer.status == kNotFound) return {};  // there was none: that is as well
  const bool unable = answer.status == kUnsupported || answer.status == kUnavailable;
  const uint32_t by_status = answer.status == kInvalid ? error_code::kBadRequest
                             : unable                  ? error_code::kNotAvailable
                                                       : error_code::kInternal;
  Error error = make_error(answer.error_code != 0 ? answer.error_code : by_status);
  if (!answer.message.empty()) error.message = answer.message;
  return error;
}

struct Revocation {
  CallPtr call;
  std::vector<Question> questions;
  std::vector<Outcome> answers;
  std::string unknown;  // why no service has taken the user for one of its own; "": one has
  bool taken = false;
};

void ask_service(const std::shared_ptr<Revocation>& state, size_t index, LaneTask next) {
  Context& context = state->call->context;
  const Question& question = state->questions[index];
  ServiceCall request;
  request.service = question.service;
  request.method = "revoke";
  request.key = question.key;
  request.data = question.data;
  request.caller = "api";
  ask(context.bus, context.lane, context.routes.user(question.key), std::move(request),
      [state, index, next = std::move(next)](ServiceCallResponse answer) mutable {
        state->answers[index].error = error_of(answer);
        if (answer.status == kNotFound) state->unknown = answer.message;
        state->taken |= answer.status != kNotFound;
        next();
      });
}

void answer_revocation(Revocation& state) {
  for (size_t i = 0; i < state.answers.size(); ++i) {
    if (state.answers[i].ok()) continue;
    const Error error = Call::refusal(state.answers[i]);
    return state.call->fail(error.code, "service '" + state.questions[i].service + "'", error.message);
  }
  // Services refuse other authorities' users by name: where all do, nothing was revoked, and the caller means another.
  if (!state.taken && !state.unknown.empty())
    return state.call->fail(error_code::kBadRequest, "user", state.unknown);
  state.call->succeed();
}

// False: the call was refused.
bool check(Call& call) {
  const Params& params = call.params;
  if (params.user.empty() && params.uid.empty()) {
    call.fail(error_code::kBadRequest, "user", "must be given, or uid for one token");
    return false;
  }
  if (params.issued_before < 0 || params.expire_at < 0) {
    call.fail(error_code::kBadRequest, params.expire_at < 0 ? "expire_at" : "issued_before",
              "expected Unix seconds, not below 0");
    return false;
  }
  return true;
}

}  // namespace

void revoke(CallPtr call) {
  if (!check(*call)) return;
  const Params& params = call->params;
  auto state = std::make_shared<Revocation>();
  for (const std::string& service : call->context.config.revoke_services) {
    if (service != kLoginService) {
      state->questions.push_back(ask_tokens(service, params));
    } else if (params.issued_before != 0) {
      return call->fail(error_code::kNotAvailable, "issued_before",
                        "the service 'uaa' revokes logins whatever their age; leave it out");
    } else if (params.uid.empty() && params.channel.empty()) {
      state->questions.push_back(ask_logins(params));
    }
  }
  if (state->questions.empty()) {
    return call->fail(error_code::kNotAvailable, params.uid.empty() ? "channel" : "uid",
                      "no service of gateway.api.revoke_services does that");
  }
  const size_t count = state->questions.size();
  state->answers.resize(count);
  state->call = std::move(call);
  Bounded::run(
      count, count, [state](size_t index, LaneTask next) { ask_service(state, index, std::move(next)); },
      [state] { answer_revocation(*state); });
}

}  // namespace lcg::gateway::api
