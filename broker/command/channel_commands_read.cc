// History, presence and lists, for clients and for the server (no peer), which needs no permission. Source:
// client-protocol 1.9, 4.
#include <algorithm>
#include <memory>

#include "broker/channel/access.h"
#include "broker/channel/glob.h"
#include "broker/command/channel_commands.h"

namespace lcg::broker {
namespace {

constexpr size_t kMaxPresenceClients =
    10'000;  // in one answer; over it error 106: presence_stats has no limit

// A step of list(), in characters compared; a channel or bucket that is looked at costs as much as kLook of them. A pattern of
// several stars may try each of them at each letter of a name: 130,000 for the longest of both.
constexpr size_t kStep = 50'000, kLook = 50;

}  // namespace

void ChannelCommands::history(HistoryRequest request, HistoryFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<HistoryResponse>(found.error));
  const ChannelOptions& options = *found.options;
  if (!options.provided() && !options.keeps_history())
    return done(failed<HistoryResponse>(error_code::kNotAvailable));
  // A provided channel is its provider's to guard.
  if (request.peer != nullptr && !options.provided() &&
      !may(options.history_read, found, request.channel, *request.peer))
    return done(failed<HistoryResponse>(error_code::kPermissionDenied));
  if (request.reverse && request.has_since && request.since.offset == 0)
    return done(failed<HistoryResponse>(error_code::kBadRequest));
  const std::shared_ptr<Channel> channel = table_.glance(request.channel, options);
  channel->history(std::move(request), std::move(done));
  table_.release(*channel);
}

void ChannelCommands::remove_history(const HistoryRemove& request, HistoryRemoveFn done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<HistoryRemoveResponse>(found.error));
  if (!found.options->keeps_history()) return done(failed<HistoryRemoveResponse>(error_code::kNotAvailable));
  std::shared_ptr<Channel> channel = found.channel;
  // What the store has of it has to go as well.
  if (channel == nullptr && found.options->durable()) {
    auto [obtained, refused] = table_.obtain(request.channel, *found.options, nullptr);
    if (obtained == nullptr) return done(failed<HistoryRemoveResponse>({std::move(refused), {}}));
    channel = std::move(obtained);
  }
  if (channel == nullptr) return done({});
  channel->remove_history(std::move(done));
  table_.release(*channel);
}

void ChannelCommands::presence(PresenceRequest request, UniqueFunction<void(PresenceResponse)> done) {
  const Found found = find(request.channel);
  if (found.error != 0) return done(failed<PresenceResponse>(found.error));
  const ChannelOptions& options = *found.options;
  if (!options.presence) return done(failed<PresenceResponse>(error_code::kNotAvailable));
  Members* members = found.channel == nullptr ? nullptr : &found.channel->members();
  if (request.peer != nullptr) {
    const Member* self = members == nullptr ? nullptr : members->find(request.peer->session);
    // Of a provided channel only its own members may know who is there, whatever the options say.
    const bool provided_to = !options.provided() || (self != nullptr && self->in);
    if (!provided_to || !may(options.presence_read, found, request.channel, *request.peer))
      return done(failed<PresenceResponse>(error_code::kPermissionDenied));
  }
  PresenceResponse answer;
  if (members != nullptr) {
    answer.num_clients = members->present_count();
    answer.num_users = members->user_count();
    if (!request.stats_only) {
      if (answer.num_clients > kMaxPresenceClients)
        return done(failed<PresenceResponse>(error_code::kLimitExceeded));
      answer.clients = members->list();
    }
  }
  done(std::move(answer));
}

void ChannelCommands::list(ListChannels request, Steps& steps,
                           UniqueFunction<void(ListChannelsResponse)> done) const {
  // No channel's name is as long; a pattern that is matches none.
  if (request.pattern.size() > 2 * kMaxChannelLength) return done({});
  struct Walk {
    ListChannels request;
    ListChannelsResponse answer;
    UniqueFunction<void(ListChannelsResponse)> done;
    uint64_t cursor = 0;
  };
  request.limit = std::min(request.limit, kMaxListedChannels);
  auto walk = std::make_unique<Walk>(Walk{std::move(request), {}, std::move(done)});
  steps.run(context_.lane.now() + context_.config.walk_time, [this, walk = std::move(walk)](bool in_time) {
    ListChannelsResponse& answer = walk->answer;
    if (!in_time) {
      walk->done(failed<ListChannelsResponse>(too_long_a_walk("the channels")));
      return false;
    }
    size_t cost = 0;
    const auto look = [&](Channel& channel) {
      cost += kLook;
      const uint32_t sessions = channel.members().in_count();
      if (sessions == 0 || answer.more) return;
      const std::string& pattern = walk->request.pattern;
      if (!pattern.empty() && !glob_matches(pattern, channel.name(), cost)) return;
      answer.more = answer.channels.size() == walk->request.limit;
      if (!answer.more) answer.channels.emplace_back(channel.name(), sessions);
    };
    do {
      walk->cursor = table_.walk(walk->cursor, 1, look);
      cost += kLook;
    } while (walk->cursor != 0 && !answer.more && cost < kStep);
    if (walk->cursor != 0 && !answer.more) return true;
    walk->done(std::move(answer));
    return false;
  });
}

}  // namespace lcg::broker
