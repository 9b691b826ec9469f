#include "broker/command/inspect.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/json_writer.h"

namespace lcg::broker {
namespace {

std::string session_row(const LaneContext& context, const Registry::Session& session) {
  std::string out;
  const Peer& peer = *session.peer;
  JsonWriter writer(out);
  writer.begin_object().field("user", peer.user).field("device", peer.device).field("session", peer.session);
  writer.field("epoch", peer.device_epoch).field("ephemeral", peer.ephemeral_device);
  writer.field("node", peer.gateway.node).field("lane", peer.gateway.lane).field("remote", peer.remote);
  writer.field("name", session.client_name).field("version", session.client_version);
  writer.field("connected_ms", session.connected_ms).field("slot", context.slot_of(peer.user)).end_object();
  return out;
}

std::string channel_row(const LaneContext& context, Channel& channel) {
  std::string out;
  const StreamPosition position = channel.position();
  JsonWriter writer(out);
  writer.begin_object().field("channel", channel.name()).field("sessions", channel.members().in_count());
  writer.field("offset", position.offset).field("epoch", position.epoch);
  writer.field("provider", channel.options().provider);
  writer.field("slot", context.slot_of(key_of_channel(channel.name(), channel.options().provided())))
      .end_object();
  return out;
}

std::string slot_row(const LaneContext& context, uint32_t slot) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object().field("slot", slot).field("lane", context.number);
  writer.field("term", context.slots.term(slot)).field("node", context.config.node).end_object();
  return out;
}

constexpr size_t kLooks = 250;  // of a step; each may become a row

// One answer on its way: takes rows up to a limit and remembers that there was one more.
struct Walk {
  Inspect request;
  UniqueFunction<void(InspectResponse)> done;
  InspectResponse out{};
  uint64_t cursor = 0;
  bool whole_user = false;  // the filter is all of a user's id

  bool full() {
    if (out.rows.size() < request.limit) return false;
    out.more = true;
    return true;
  }
  bool wants(const std::string& name) const {
    if (out.more || (whole_user && name.size() != request.filter.size())) return false;
    return name.compare(0, request.filter.size(), request.filter) == 0;
  }
};

// From slot `cursor` on. Returns the next one, 0: that was all.
uint64_t walk_slots(const LaneContext& context, Walk& walk) {
  uint64_t slot = walk.cursor == 0 ? context.number : walk.cursor;
  for (size_t looks = 0; looks < kLooks; ++looks, slot += context.slots.lanes()) {
    if (slot >= context.slots.count() || walk.full()) return 0;
    walk.out.rows.push_back(slot_row(context, static_cast<uint32_t>(slot)));
  }
  return slot;
}

uint64_t walk_sessions(const LaneContext& context, const Registry& registry, Walk& walk) {
  const auto take = [&](const Registry::Session& session) {
    if (walk.wants(session.peer->user) && !walk.full())
      walk.out.rows.push_back(session_row(context, session));
  };
  if (walk.cursor == 0) {
    const size_t exact = registry.sessions_of_user(walk.request.filter);
    walk.whole_user = exact > 0;
    if (exact > 0 && exact <= kLooks) {
      for (const Registry::Session& session : registry.sessions_of(walk.request.filter)) take(session);
      return 0;
    }
  }
  return registry.walk(walk.cursor, kLooks, take);
}

uint64_t walk_channels(const LaneContext& context, const ChannelTable& channels, Walk& walk) {
  return channels.walk(walk.cursor, kLooks, [&](Channel& channel) {
    if (walk.wants(channel.name()) && !walk.full()) walk.out.rows.push_back(channel_row(context, channel));
  });
}

}  // namespace

void inspect(const LaneContext& context, const Registry& registry, const ChannelTable& channels,
             Inspect request, Steps& steps, UniqueFunction<void(InspectResponse)> done) {
  request.limit = std::min(request.limit, kMaxInspectRows);
  auto walk = std::make_unique<Walk>(Walk{std::move(request), std::move(done)});
  steps.run(context.lane.now() + context.config.walk_time,
            [&context, &registry, &channels, walk = std::move(walk)](bool in_time) {
              if (!in_time) {
                walk->done(failed<InspectResponse>(too_long_a_walk("what the lane holds")));
                return false;
              }
              switch (walk->request.what) {
                case Inspect::What::kSessions:
                  walk->cursor = walk_sessions(context, registry, *walk);
                  break;
                case Inspect::What::kChannels:
                  walk->cursor = walk_channels(context, channels, *walk);
                  break;
                case Inspect::What::kSlots:
                  walk->cursor = walk_slots(context, *walk);
                  break;
              }
              if (walk->cursor != 0 && !walk->out.more) return true;
              walk->done(std::move(walk->out));
              return false;
            });
}

NodeInfoResponse node_info(const Registry& registry, const ChannelCounts& channels) {
  NodeInfoResponse out;
  out.clients = registry.size();
  out.users = registry.users();
  out.channels = channels.occupied;
  out.subscriptions = channels.subscriptions;
  return out;
}

}  // namespace lcg::broker
