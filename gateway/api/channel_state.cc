// presence, presence_stats, history, history_remove, channels: what channels hold. Source: client-protocol 4.
#include <algorithm>

#include "base/json_writer.h"
#include "gateway/api/answer_json.h"
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

// Asks the channel's slot; `to_result` makes the result of an ok answer.
template <class R, class Fn>
void ask_channel(CallPtr call, R request, Fn to_result) {
  Context& context = call->context;
  const Target target = context.routes.channel(call->params.channel);
  ask(context.bus, context.lane, target, std::move(request),
      [call = std::move(call), to_result](typename R::Answer answer) {
        if (!answer.ok()) return call->refuse(answer);
        call->succeed(to_result(answer));
      });
}

std::string presence_result(const PresenceResponse& answer) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("presence").begin_object();
  for (const ClientInfo& info : answer.clients) write_info(json.key_escaped(info.client), info);
  json.end_object().end_object();
  return out;
}

std::string stats_result(const PresenceResponse& answer) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("num_clients", answer.num_clients).field("num_users", answer.num_users);
  json.end_object();
  return out;
}

std::string history_result(const HistoryResponse& answer) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("publications").begin_array();
  for (const PublicationPtr& publication : answer.publications) write_publication(json, *publication);
  json.end_array().field("epoch", answer.position.epoch).field("offset", answer.position.offset);
  json.end_object();
  return out;
}

// A channel has one slot, so no name comes twice.
void answer_channels(Call& call, const std::vector<ListChannelsResponse>& answers) {
  std::string out;
  JsonWriter json(out);
  bool more = false;
  uint32_t count = 0;
  json.begin_object().key("channels").begin_object();
  for (const ListChannelsResponse& answer : answers) {
    more |= answer.more;
    for (const auto& [name, clients] : answer.channels) {
      if (!call.sees(name)) continue;
      more |= count == kMaxListedChannels;
      if (count == kMaxListedChannels) break;
      ++count;
      json.key_escaped(name).begin_object().field("num_clients", clients).end_object();
    }
  }
  json.end_object();
  if (more) json.field("more", true);
  json.end_object();
  call.succeed(std::move(out));
}

}  // namespace

void presence(CallPtr call) {
  PresenceRequest request{call->params.channel, nullptr, false};
  ask_channel(std::move(call), std::move(request), presence_result);
}

void presence_stats(CallPtr call) {
  PresenceRequest request{call->params.channel, nullptr, true};
  ask_channel(std::move(call), std::move(request), stats_result);
}

void history(CallPtr call) {
  const Params& params = call->params;
  HistoryRequest request;
  request.channel = params.channel;
  request.limit = params.limit;
  request.reverse = params.reverse;
  request.has_since = params.since.has_value();
  if (params.since) request.since = *params.since;
  ask_channel(std::move(call), std::move(request), history_result);
}

void history_remove(CallPtr call) {
  HistoryRemove request{call->params.channel};
  ask_channel(std::move(call), std::move(request), [](const HistoryRemoveResponse&) { return "{}"; });
}

void channels(CallPtr call) {
  Context& context = call->context;
  ListChannels request{call->params.pattern, kMaxListedChannels};
  gather(context.bus, context.lane, every_lane(context.bus), std::move(request),
         [call = std::move(call)](const Outcome& outcome, const std::vector<ListChannelsResponse>& answers) {
           if (!outcome.ok()) return call->refuse(outcome);
           answer_channels(*call, answers);
         });
}

}  // namespace lcg::gateway::api
