#include "broker/command/inspect.h"

#include <algorithm>

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

// Takes rows up to a limit and remembers that there was one more.
class Rows {
 public:
  explicit Rows(uint32_t limit) : limit_(std::min(limit, kMaxInspectRows)) {}
  bool full() {
    if (out_.rows.size() < limit_) return false;
    out_.more = true;
    return true;
  }
  void add(std::string row) { out_.rows.push_back(std::move(row)); }
  InspectResponse take() { return std::move(out_); }

 private:
  const uint32_t limit_;
  InspectResponse out_;
};

}  // namespace

InspectResponse inspect(const LaneContext& context, const Registry& registry, const ChannelTable& channels,
                        const Inspect& request) {
  Rows rows(request.limit);
  switch (request.what) {
    case Inspect::What::kSessions: {
      if (!request.filter.empty()) {
        const std::vector<Registry::Session> exact = registry.sessions_of(request.filter);
        for (const Registry::Session& session : exact)
          if (!rows.full()) rows.add(session_row(context, session));
        if (!exact.empty()) break;
      }
      registry.for_each([&](const Registry::Session& session) {
        if (session.peer->user.compare(0, request.filter.size(), request.filter) != 0) return true;
        if (rows.full()) return false;
        rows.add(session_row(context, session));
        return true;
      });
      break;
    }
    case Inspect::What::kChannels:
      channels.for_each([&](Channel& channel) {
        if (channel.name().compare(0, request.filter.size(), request.filter) != 0) return true;
        if (rows.full()) return false;
        rows.add(channel_row(context, channel));
        return true;
      });
      break;
    case Inspect::What::kSlots:
      for (uint32_t slot = context.number; slot < context.slots.count(); slot += context.slots.lanes()) {
        if (rows.full()) break;
        rows.add(slot_row(context, slot));
      }
      break;
  }
  return rows.take();
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
