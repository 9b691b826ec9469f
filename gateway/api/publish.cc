// publish, broadcast. Source: client-protocol 4.
#include "base/json_writer.h"
#include "gateway/api/answer_json.h"
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

// The publication that the params describe, but for its channel. False: the call was refused.
bool make_publication(Call& call, ServerPublish& out) {
  Params& params = call.params;
  Publication& publication = out.publication;
  if (params.b64data.empty()) {
    publication.data = std::move(params.data);
  } else {
    const std::optional<std::string> bytes = decode_base64(params.b64data);
    if (!bytes) {
      call.fail(error_code::kBadRequest, "b64data", "is not base64 (RFC 4648 section 4, with padding)");
      return false;
    }
    publication.binary = !validate_json(*bytes, {.max_bytes = bytes->size(), .max_depth = kMaxJsonDepth});
    std::string scratch;
    publication.data = SharedBytes(publication.binary ? *bytes : compact_newlines(*bytes, scratch));
  }
  if (publication.data.empty()) {
    call.fail(error_code::kBadRequest, "data", "must be given, or b64data");
    return false;
  }
  publication.tags = params.tags;
  out.options = {.tags = std::move(params.tags),
                 .idempotency_key = std::move(params.idempotency_key),
                 .version = params.version,
                 .version_epoch = std::move(params.version_epoch),
                 .delta = params.delta,
                 .skip_history = params.skip_history};
  return true;
}

std::string position_result(const StreamPosition& position) {
  std::string out;
  JsonWriter json(out);
  write_position(json.begin_object(), position);
  json.end_object();
  return out;
}

struct Broadcast {
  CallPtr call;
  ServerPublish what;
  std::vector<PublishResponse> answers;
};

void answer_broadcast(Broadcast& broadcast) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("responses").begin_array();
  for (size_t i = 0; i < broadcast.answers.size(); ++i) {
    const PublishResponse& answer = broadcast.answers[i];
    json.begin_object();
    if (answer.ok()) {
      json.raw_field("result", position_result(answer.position));
    } else {
      const Error error = Call::refusal(answer);
      json.key("error").begin_object().field("code", error.code).field("message", error.message).end_object();
    }
    json.end_object();
  }
  json.end_array().end_object();
  broadcast.call->succeed(std::move(out));
}

void publish_one(Broadcast& broadcast, size_t index, LaneTask next) {
  const std::string& channel = broadcast.call->params.channels[index];
  if (channel.empty()) {
    broadcast.answers[index].error = {error_code::kBadRequest, "must not be empty", false};
    return next();
  }
  ServerPublish request = broadcast.what;
  request.channel = channel;
  Context& context = broadcast.call->context;
  ask(context.bus, context.lane, context.routes.channel(channel), std::move(request),
      [&answer = broadcast.answers[index], next = std::move(next)](PublishResponse got) mutable {
        answer = std::move(got);
        next();
      });
}

}  // namespace

void publish(CallPtr call) {
  ServerPublish request;
  if (!make_publication(*call, request)) return;
  request.channel = call->params.channel;
  Context& context = call->context;
  const Target target = context.routes.channel(request.channel);
  ask(context.bus, context.lane, target, std::move(request),
      [call = std::move(call)](PublishResponse answer) {
        if (!answer.ok()) return call->refuse(answer);
        call->succeed(position_result(answer.position));
      });
}

void broadcast(CallPtr call) {
  const size_t most = call->context.config.max_broadcast_channels;
  if (call->params.channels.size() > most) {
    return call->fail(error_code::kBadRequest, "channels",
                      "expected at most " + std::to_string(most) + " entries");
  }
  auto state = std::make_shared<Broadcast>();
  if (!make_publication(*call, state->what)) return;
  const size_t count = call->params.channels.size();
  state->answers.resize(count);
  state->call = std::move(call);
  Bounded::run(
      count, kBroadcastWidth,
      [state](size_t index, LaneTask next) { publish_one(*state, index, std::move(next)); },
      [state] { answer_broadcast(*state); });
}

}  // namespace lcg::gateway::api
