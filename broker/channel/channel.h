// Channel: one channel on the lane of its slot, the single writer of its order.
//
// What all kinds share is here: members, interest, fan-out, join and leave, events. A kind says where publications
// are kept and who gives them their positions: MemoryChannel (a ring of this process), DurableChannel (the store) or
// ProvidedChannel (a plugin). Owned by the lane's ChannelTable; callbacks under way keep it alive with a shared_ptr, and find in
// Members whether the session they are about is still there. Who may do what is decided before
// (channel/access.h).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/function.h"
#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/channel/channel_events.h"
#include "broker/channel/fossil_delta.h"
#include "broker/channel/namespace.h"
#include "broker/channel/position_memory.h"
#include "broker/channel/publication_store.h"
#include "broker/host/plugin_host.h"
#include "broker/presence/members.h"

namespace lcg::broker {

// Of one lane.
struct ChannelCounts {
  uint64_t occupied = 0;       // channels with a subscriber
  uint64_t subscriptions = 0;  // sessions in channels
};

class Channel;

// What the channels of a lane use. Outlives them.
struct ChannelContext {
  Lane& lane;
  Bus& bus;
  host::PluginHost& host;
  PositionMemory positions;
  PublicationStore store;
  ChannelCounts counts{};
  DeltaMaker deltas{};
  std::string delta{};                    // of the publication being made; reused
  UniqueFunction<void(Channel&)> idle{};  // the table's: what a channel waited for has come
};

using SubscribeFn = UniqueFunction<void(SubscribeResponse)>;
using PublishFn = UniqueFunction<void(PublishResponse)>;
using HistoryFn = UniqueFunction<void(HistoryResponse)>;
using HistoryRemoveFn = UniqueFunction<void(HistoryRemoveResponse)>;

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(ChannelContext& context, std::string name, const ChannelOptions& options);
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& name() const { return name_; }
  const ChannelOptions& options() const { return options_; }
  Members& members() { return members_; }

  // `request.peer` is a member that asked with `ticket`. Opens the subscription as `grant` says (null: nothing
  // special) or, with an error, takes the member out. `done` runs once, before or after the return. Join is
  // announced after it.
  void open(SubscribeRequest request, uint64_t ticket, SubscribeGrantPtr grant, Millis time_left,
            SubscribeFn done);
  // Idempotent. Announces the leave.
  void unsubscribe(std::string_view session);
  // Tells their gateways. How many were in.
  uint32_t unsubscribe_sessions(const UnsubscribeSessions& request);

  // Of a client that may. `request.checked_json` is true for what is JSON. `done` once.
  virtual void publish(PublishRequest request, PublishOptions options, PublishFn done) = 0;
  virtual void history(HistoryRequest request, HistoryFn done) = 0;
  // Of a plugin or an operator.
  virtual void server_publish(ServerPublish publish, PublishFn done) = 0;
  virtual void remove_history(HistoryRemoveFn done) = 0;

  // Frees what has expired. Nothing: there is nothing left that would be missed, the table may drop it.
  // Else when to look again; MonoTime::max when only an event can change the answer.
  virtual std::optional<MonoTime> maintain(MonoTime now) = 0;
  // It leaves the table: what must be known of it later goes to the context's PositionMemory. Idempotent.
  virtual void retire(MonoTime now) = 0;
  virtual StreamPosition position() const = 0;
  // Something is under way that a new object of this name would not know of.
  virtual bool busy() const { return events_.telling(); }

 protected:
  // Reads position and missed publications for a member that listens already; `done` may be late, `request`
  // and `grant` live until then.
  virtual void attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis time_left,
                      SubscribeFn done) = 0;

  void fan_out(const PublicationPtr& publication);
  ClientInfo publisher_info(const Peer& peer);

  ChannelContext& context_;

 private:
  friend class ChannelTable;
  // An open() under way.
  struct Opening {
    SubscribeRequest request;
    uint64_t ticket;
    SubscribeGrantPtr grant;
    SubscribeFn done;
  };
  void settle(Opening& opening, SubscribeResponse answer);
  void admit(const Opening& opening, Member& member, SubscribeResponse& answer);
  void finish(Opening& opening, SubscribeResponse answer);
  // `was` is out of the members: all that follows from it.
  void left(const Member& was, uint32_t code, const std::string& reason);
  Member* member_of(const Opening& opening);
  uint32_t slot() const;
  void count();
  void announce(const Member& member, bool joined);

  const std::string name_;
  const ChannelOptions& options_;
  Members members_;
  ChannelEvents events_;
  uint32_t counted_ = 0;      // sessions of this channel in the context's counts
  TimerId review_timer_ = 0;  // the table's
  std::string client_;        // the table's: who brought it into being, "" for the server
};

inline constexpr MonoTime kNever{INT64_MAX};

}  // namespace lcg::broker
