#include "broker/command/channel_commands.h"

#include "base/log.h"
#include "broker/channel/access.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"
#include "broker/plugin_options.h"

namespace lcg::broker {
namespace {

// What the server subscribes a client to is none of the client's doing.
const Peer* who_brings(const SubscribeRequest& request) {
  return request.server_side ? nullptr : request.peer.get();
}

}  // namespace

ChannelCommands::ChannelCommands(LaneContext& context)
    : context_(context),
      channel_context_{context.lane, context.bus, context.host,
                       PositionMemory(context.namespaces.count(), context.config.positions_per_lane,
                                      context.lane.random()),
                       PublicationStore(context.lane, context.host, context.slots.count())},
      table_(channel_context_, context.namespaces, context.config.channels),
      sweep_(context, channel_context_.store, table_) {}

ChannelCommands::Found ChannelCommands::find(std::string_view channel) {
  // One that is there was looked at when it was made.
  if (std::shared_ptr<Channel> known = table_.find(channel)) {
    const ChannelOptions& options = known->options();
    return {&options, std::move(known), 0};
  }
  const Namespaces::Found found = context_.namespaces.find(channel);
  if (found.error != 0) return {nullptr, nullptr, found.error};
  // Two lanes with the same channel would be two orders: whoever routed this disagrees about the key.
  if (!context_.owns(context_.slot_of(key_of_channel(channel, found.options->provided())))) {
    log::error("a request for a channel came to a lane that does not own its slot",
               {{"lane", context_.number}});
    return {nullptr, nullptr, error_code::kInternal};
  }
  if (found.options->durable()) sweep_.start();
  return {found.options, nullptr, 0};
}

bool ChannelCommands::may(const Permission& permission, const Found& found, std::string_view channel,
                          const Peer& peer) const {
  const Member* member = found.channel == nullptr ? nullptr : found.channel->members().find(peer.session);
  const bool subscribed = member != nullptr && member->in;
  return permits(*found.options, permission, ChannelName(channel), peer, subscribed);
}

void ChannelCommands::subscribe(SubscribeRequest request, SubscribeFn done) {
  Found found = find(request.channel);
  if (found.error != 0) return done(failed<SubscribeResponse>(found.error));
  if (request.filtered && !found.options->allow_tags_filter)
    return done(failed<SubscribeResponse>(error_code::kBadRequest));
  switch (decide_subscribe(*found.options, request, context_.host.wants(LCG_REQ_SUBSCRIBE))) {
    case SubscribeDecision::kDeny:
      return done(failed<SubscribeResponse>(error_code::kPermissionDenied));
    case SubscribeDecision::kAskPlugins:
      return ask_to_subscribe(std::move(request), std::move(found), false, std::move(done));
    case SubscribeDecision::kAskPluginsThenOptions:
      return ask_to_subscribe(std::move(request), std::move(found), true, std::move(done));
    case SubscribeDecision::kAllow:
      break;
  }
  SubscribeGrantPtr grant = request.server_side ? request.grant : nullptr;
  if (grant != nullptr && grant->expire_at_ms != 0 && grant->expire_at_ms <= context_.lane.clock().wall_ms())
    return done(failed<SubscribeResponse>(error_code::kExpired));
  auto [channel, refused] = table_.obtain(request.channel, *found.options, who_brings(request));
  if (channel == nullptr) return done(failed<SubscribeResponse>({std::move(refused), {}}));
  const uint64_t ticket = channel->members().ask(request.peer).ticket;
  open(std::move(channel), std::move(request), ticket, std::move(grant), context_.config.chain_timeout,
       std::move(done));
}

// The session is a member while the plugins think, so that its unsubscribe finds it.
void ChannelCommands::ask_to_subscribe(SubscribeRequest request, Found found, bool then_options,
                                       SubscribeFn done) {
  auto [channel, refused] = table_.obtain(request.channel, *found.options, who_brings(request));
  if (channel == nullptr) return done(failed<SubscribeResponse>({std::move(refused), {}}));
  const uint64_t ticket = channel->members().ask(request.peer).ticket;

  host::ChainRequest question;
  question.kind = LCG_REQ_SUBSCRIBE;
  question.peer = request.peer;
  question.name = request.channel;
  question.credential = request.token;
  question.data = request.data;
  question.route = found.options->subscribe_route;
  const MonoTime deadline = context_.lane.now() + context_.config.chain_timeout;
  auto answer = [this, channel = std::move(channel), ticket, then_options, deadline,
                 request = std::move(request), done = std::move(done)](host::ChainResult result) mutable {
    answered_to_subscribe(std::move(channel), std::move(request), ticket, then_options, deadline,
                          std::move(result), std::move(done));
  };
  context_.host.run_chain(std::move(question), context_.config.chain_timeout, std::move(answer));
}

void ChannelCommands::answered_to_subscribe(std::shared_ptr<Channel> channel, SubscribeRequest request,
                                            uint64_t ticket, bool then_options, MonoTime deadline,
                                            host::ChainResult result, SubscribeFn done) {
  const ChannelOptions& options = channel->options();
  Outcome refused;
  if (result.status == LCG_DEFER) {
    if (!then_options || !options_allow_subscribe(options, ChannelName(channel->name()), *request.peer))
      refused.error = make_error(error_code::kPermissionDenied);
  } else {
    refused = outcome_of_chain(result, error_code::kUnknownChannel);
  }
  if (refused.ok() && result.expire_at_ms != 0 && result.expire_at_ms <= context_.lane.clock().wall_ms())
    refused.error = make_error(error_code::kExpired);
  auto grant = std::make_shared<SubscribeGrant>();
  if (refused.ok() && !read_subscribe_options(result.options.view(), *grant)) {
    log::error("a plugin's options of a subscription are not what docs/plugins.md says",
               {{"channel", channel->name()}});
    refused.error = make_error(error_code::kInternal);
  }
  if (!refused.ok()) {
    const Member* member = channel->members().find(request.peer->session);
    if (member != nullptr && member->ticket == ticket) channel->unsubscribe(request.peer->session);
    done(failed<SubscribeResponse>(std::move(refused)));
    return table_.release(*channel);
  }
  grant->info = one_json_line(std::move(result.info)).value_or(SharedBytes());
  grant->data = one_json_line(std::move(result.data)).value_or(SharedBytes());
  grant->expire_at_ms = result.expire_at_ms;
  grant->server_refresh =
      result.expire_at_ms != 0 && (result.server_refresh() || !options.sub_refresh_route.empty());
  const auto time_left = std::chrono::duration_cast<Millis>(deadline - context_.lane.now());
  open(std::move(channel), std::move(request), ticket, std::move(grant), time_left, std::move(done));
}

void ChannelCommands::open(std::shared_ptr<Channel> channel, SubscribeRequest request, uint64_t ticket,
                           SubscribeGrantPtr grant, Millis time_left, SubscribeFn done) {
  Channel& opened = *channel;
  opened.open(std::move(request), ticket, std::move(grant), time_left,
              [this, channel = std::move(channel), done = std::move(done)](SubscribeResponse answer) mutable {
                done(std::move(answer));
                table_.release(*channel);
              });
}

void ChannelCommands::unsubscribe(UnsubscribeRequest request,
                                  UniqueFunction<void(UnsubscribeResponse)> done) {
  if (const std::shared_ptr<Channel> channel = table_.find(request.channel)) {
    channel->unsubscribe(request.peer->session);
    table_.release(*channel);
  }
  done({});
}

void ChannelCommands::peer_changed(const PeerChanged& request) {
  if (const std::shared_ptr<Channel> channel = table_.find(request.channel))
    channel->members().change(request.peer);
}

UnsubscribeSessionsResponse ChannelCommands::unsubscribe_sessions(const UnsubscribeSessions& request) {
  const Found found = find(request.channel);
  if (found.error != 0) return failed<UnsubscribeSessionsResponse>(found.error);
  UnsubscribeSessionsResponse answer;
  if (const std::shared_ptr<Channel> channel = table_.find(request.channel)) {
    answer.ended = channel->unsubscribe_sessions(request);
    table_.release(*channel);
  }
  return answer;
}

}  // namespace lcg::broker
