#include "broker/command/channel_commands.h"

#include "base/log.h"
#include "broker/channel/access.h"
#include "broker/error_table.h"
#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

constexpr size_t kMaxPresenceClients =
    10'000;  // in one answer; over it error 106: presence_stats has no limit

}  // namespace

ChannelCommands::ChannelCommands(LaneContext& context)
    : context_(context),
      channel_context_{context.lane, context.bus, context.host},
      table_(channel_context_, context.namespaces, context.config.channels_per_lane) {}

ChannelCommands::Found ChannelCommands::find(std::string_view channel) const {
  const Namespaces::Found found = context_.namespaces.find(channel);
  if (found.error != 0) return {nullptr, found.error};
  // Two lanes with the same channel would be two orders: whoever routed this disagrees about the key.
  if (!context_.owns(context_.slot_of(key_of_channel(channel, found.options->provided())))) {
    log::error("a request for a channel came to a lane that does not own its slot",
               {{"lane", context_.number}});
    return {nullptr, error_code::kInternal};
  }
  return {found.options, 0};
}

bool ChannelCommands::may(const Permission& permission, const ChannelOptions& options,
                          std::string_view channel, const Peer& peer) const {
  if (options.provided()) return true;
  bool subscribed = false;
  if (permission.for_subscriber) {
    const std::shared_ptr<Channel> known = table_.find(channel);
    const Member* member = known == nullptr ? nullptr : known->members().find(peer.session);
    subscribed = member != nullptr && member->in;
  }
  return permission.allows(peer, subscribed);
}

void ChannelCommands::subscribe(SubscribeRequest request, SubscribeFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<SubscribeResponse>(found.error));
  switch (decide_subscribe(*found.options, request, context_.host.wants(LCG_REQ_SUBSCRIBE))) {
    case SubscribeDecision::kDeny:
      return done(failed<SubscribeResponse>(error_code::kPermissionDenied));
    case SubscribeDecision::kAskPlugins:
      return ask_to_subscribe(std::move(request), false, std::move(done));
    case SubscribeDecision::kAskPluginsThenOptions:
      return ask_to_subscribe(std::move(request), true, std::move(done));
    case SubscribeDecision::kAllow:
      break;
  }
  std::shared_ptr<Channel> channel = table_.obtain(request.channel, *found.options);
  if (channel == nullptr) return done(failed<SubscribeResponse>(error_code::kTooManyRequests));
  const uint64_t ticket = channel->members().ask(request.peer).ticket;
  Grant grant;
  grant.time_left = context_.config.chain_timeout;
  open(std::move(channel), std::move(request), ticket, std::move(grant), std::move(done));
}

// The session is a member while the plugins think, so that its unsubscribe finds it.
void ChannelCommands::ask_to_subscribe(SubscribeRequest request, bool then_options, SubscribeFn done) {
  const ChannelOptions& options = *context_.namespaces.find(request.channel).options;
  std::shared_ptr<Channel> channel = table_.obtain(request.channel, options);
  if (channel == nullptr) return done(failed<SubscribeResponse>(error_code::kTooManyRequests));
  const uint64_t ticket = channel->members().ask(request.peer).ticket;

  host::ChainRequest question;
  question.kind = LCG_REQ_SUBSCRIBE;
  question.peer = request.peer;
  question.name = request.channel;
  question.credential = request.token;
  question.data = request.data;
  const MonoTime deadline = context_.lane.now() + context_.config.chain_timeout;
  auto answer = [this, channel, ticket, then_options, deadline, request = std::move(request),
                 done = std::move(done)](host::ChainResult result) mutable {
    Outcome refused;
    if (result.status == LCG_DEFER) {
      if (!then_options || !options_allow_subscribe(channel->options(), *request.peer))
        refused.error = make_error(error_code::kPermissionDenied);
    } else {
      refused = outcome_of_chain(result, error_code::kUnknownChannel);
    }
    if (refused.ok() && result.expire_at_ms != 0 && result.expire_at_ms <= context_.lane.clock().wall_ms())
      refused.error = make_error(error_code::kExpired);
    if (!refused.ok()) {
      const Member* member = channel->members().find(request.peer->session);
      if (member != nullptr && member->ticket == ticket) channel->members().remove(request.peer->session);
      done(failed<SubscribeResponse>(std::move(refused)));
      return table_.release(*channel);
    }
    Grant grant;
    grant.chan_info = one_json_line(std::move(result.info)).value_or(SharedBytes());
    grant.data = one_json_line(std::move(result.data)).value_or(SharedBytes());
    grant.expire_at_ms = result.expire_at_ms;
    grant.time_left = std::chrono::duration_cast<Millis>(deadline - context_.lane.now());
    open(std::move(channel), std::move(request), ticket, std::move(grant), std::move(done));
  };
  context_.host.run_chain(std::move(question), context_.config.chain_timeout, std::move(answer));
}

void ChannelCommands::open(std::shared_ptr<Channel> channel, SubscribeRequest request, uint64_t ticket,
                           Grant grant, SubscribeFn done) {
  Channel& opened = *channel;
  opened.open(std::move(request), ticket, std::move(grant),
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

UnsubscribeSessionsResponse ChannelCommands::unsubscribe_sessions(const UnsubscribeSessions& request) {
  UnsubscribeSessionsResponse answer;
  if (const std::shared_ptr<Channel> channel = table_.find(request.channel)) {
    answer.ended = channel->unsubscribe_sessions(request);
    table_.release(*channel);
  }
  return answer;
}

void ChannelCommands::publish(PublishRequest request, PublishFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<PublishResponse>(found.error));
  if (request.data.empty()) return done(failed<PublishResponse>(error_code::kBadRequest));
  const ChannelOptions& options = *found.options;
  const bool allowed = may(options.publish, options, request.channel, *request.peer);
  if (!options.provided() && context_.host.wants(LCG_REQ_PUBLISH))
    return ask_to_publish(std::move(request), options, allowed, std::move(done));
  if (!allowed) return done(failed<PublishResponse>(error_code::kPermissionDenied));
  send(std::move(request), options, std::move(done));
}

// A plugin's yes lets a publication in, and its data, if it gives some, takes the place of the client's.
void ChannelCommands::ask_to_publish(PublishRequest request, const ChannelOptions& options, bool allowed,
                                     PublishFn done) {
  host::ChainRequest question;
  question.kind = LCG_REQ_PUBLISH;
  question.peer = request.peer;
  question.name = request.channel;
  question.data = request.data;
  auto answer = [this, &options, allowed, request = std::move(request),
                 done = std::move(done)](host::ChainResult result) mutable {
    if (result.status == LCG_DEFER) {
      if (!allowed) return done(failed<PublishResponse>(error_code::kPermissionDenied));
      return send(std::move(request), options, std::move(done));
    }
    Outcome refused = outcome_of_chain(result, error_code::kUnknownChannel);
    if (!refused.ok()) return done(failed<PublishResponse>(std::move(refused)));
    if (!result.data.empty()) {
      std::optional<SharedBytes> data = one_json_line(std::move(result.data));
      if (!data) return done(failed<PublishResponse>(error_code::kInternal));
      request.data = std::move(*data);
    }
    send(std::move(request), options, std::move(done));
  };
  context_.host.run_chain(std::move(question), context_.config.chain_timeout, std::move(answer));
}

void ChannelCommands::send(PublishRequest request, const ChannelOptions& options, PublishFn done) {
  std::shared_ptr<Channel> channel = table_.find(request.channel);
  // Nobody listens and nothing is kept: done already.
  if (channel == nullptr && !options.provided() && !options.keeps_history()) return done({});
  if (channel == nullptr) channel = table_.obtain(request.channel, options);
  if (channel == nullptr) return done(failed<PublishResponse>(error_code::kTooManyRequests));
  channel->publish(std::move(request), std::move(done));
  table_.release(*channel);
}

void ChannelCommands::history(HistoryRequest request, HistoryFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<HistoryResponse>(found.error));
  const ChannelOptions& options = *found.options;
  if (!options.provided() && !options.keeps_history())
    return done(failed<HistoryResponse>(error_code::kNotAvailable));
  if (!may(options.history_read, options, request.channel, *request.peer))
    return done(failed<HistoryResponse>(error_code::kPermissionDenied));
  if (request.reverse && request.has_since && request.since.offset == 0)
    return done(failed<HistoryResponse>(error_code::kBadRequest));
  const std::shared_ptr<Channel> channel = table_.obtain(request.channel, options);
  if (channel == nullptr) return done(failed<HistoryResponse>(error_code::kTooManyRequests));
  channel->history(std::move(request), std::move(done));
  table_.release(*channel);
}

void ChannelCommands::presence(PresenceRequest request, UniqueFunction<void(PresenceResponse)> done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<PresenceResponse>(found.error));
  const ChannelOptions& options = *found.options;
  if (!options.presence) return done(failed<PresenceResponse>(error_code::kNotAvailable));
  const std::shared_ptr<Channel> channel = table_.find(request.channel);
  const Member* self = channel == nullptr ? nullptr : channel->members().find(request.peer->session);
  const bool subscribed = self != nullptr && self->in;
  // Of a provided channel only its own members may know who is there, whatever the options say.
  if (!options.presence_read.allows(*request.peer, subscribed) || (options.provided() && !subscribed))
    return done(failed<PresenceResponse>(error_code::kPermissionDenied));
  PresenceResponse answer;
  if (channel != nullptr) {
    answer.num_clients = channel->members().in_count();
    answer.num_users = channel->members().user_count();
    if (!request.stats_only) {
      if (answer.num_clients > kMaxPresenceClients)
        return done(failed<PresenceResponse>(error_code::kLimitExceeded));
      answer.clients = channel->members().list();
    }
  }
  done(std::move(answer));
}

void ChannelCommands::server_publish(ServerPublish publish, PublishFn done) {
  const Found found = find(publish.channel);
  if (found.error != 0) return done(failed<PublishResponse>(found.error));
  std::optional<SharedBytes> data = one_json_line(std::move(publish.publication.data));
  if (!data || data->empty()) {
    PublishResponse refused = failed<PublishResponse>(error_code::kBadRequest);
    refused.error.message = "a publication's data must be one JSON value";
    return done(std::move(refused));
  }
  publish.publication.data = std::move(*data);
  const ChannelOptions& options = *found.options;
  const bool keeps = !options.provided() && options.keeps_history() && !publish.options.skip_history;
  std::shared_ptr<Channel> channel = table_.find(publish.channel);
  if (channel == nullptr && keeps) {
    channel = table_.obtain(publish.channel, options);
    if (channel == nullptr) return done(failed<PublishResponse>(error_code::kTooManyRequests));
  }
  if (channel == nullptr) {
    // Nobody listens here. The rules hold all the same, or a provider's mistake would show only at the first
    // listener.
    if (publish.positioned != options.provided())
      return done(failed<PublishResponse>(error_code::kBadRequest));
    PublishResponse answer;
    answer.position = {publish.publication.offset, publish.publication.epoch};
    return done(std::move(answer));
  }
  done(channel->server_publish(std::move(publish)));
  table_.release(*channel);
}

}  // namespace lcg::broker
