// Channel: one channel on the lane of its slot, the single writer of its order.
//
// What all kinds share is here: members, interest, fan-out, join and leave. A kind says where publications
// are kept and who gives them their positions: MemoryChannel (a ring of this process) or ProvidedChannel (a
// plugin). Owned by the lane's ChannelTable; callbacks under way keep it alive with a shared_ptr, and find in
// Members whether the session they are about is still there. Who may do what is decided before
// (channel/access.h).
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/function.h"
#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/channel/namespace.h"
#include "broker/host/plugin_host.h"
#include "broker/presence/members.h"

namespace lcg::broker {

// What the channels of a lane use. Outlives them.
struct ChannelContext {
  Lane& lane;
  Bus& bus;
  host::PluginHost& host;
};

using SubscribeFn = UniqueFunction<void(SubscribeResponse)>;
using PublishFn = UniqueFunction<void(PublishResponse)>;
using HistoryFn = UniqueFunction<void(HistoryResponse)>;

// Made by the authorisation of a subscribe.
struct Grant {
  SharedBytes chan_info, data;
  int64_t expire_at_ms = 0;
  Millis time_left{0};  // of the request
};

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  Channel(ChannelContext& context, std::string name, const ChannelOptions& options);
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  const std::string& name() const { return name_; }
  const ChannelOptions& options() const { return options_; }
  Members& members() { return members_; }

  // `request.peer` is a member that asked with `ticket`. Opens the subscription or, with an error, takes the
  // member out. `done` runs once, before or after the return. Join is announced after it.
  void open(SubscribeRequest request, uint64_t ticket, Grant grant, SubscribeFn done);
  // Idempotent. Announces the leave.
  void unsubscribe(std::string_view session);
  // Tells their gateways. How many were in.
  uint32_t unsubscribe_sessions(const UnsubscribeSessions& request);

  // Of a client that may. `done` once.
  virtual void publish(PublishRequest request, PublishFn done) = 0;
  virtual void history(HistoryRequest request, HistoryFn done) = 0;
  // Of a plugin or an operator.
  virtual PublishResponse server_publish(ServerPublish publish) = 0;

  // Frees what has expired. Nothing: there is nothing left that would be missed, the table may drop it.
  // Else when to look again; MonoTime::max when only an event can change the answer.
  virtual std::optional<MonoTime> maintain(MonoTime now) = 0;
  virtual StreamPosition position() const = 0;

 protected:
  // Reads position and missed publications for a member that listens already; `done` may be late, `request`
  // lives until then.
  virtual void attach(const SubscribeRequest& request, Millis time_left, SubscribeFn done) = 0;

  void fan_out(const PublicationPtr& publication);
  ClientInfo publisher_info(const Peer& peer);

  ChannelContext& context_;

 private:
  friend class ChannelTable;
  void settle(const SubscribeRequest& request, uint64_t ticket, Grant grant, SubscribeResponse answer,
              SubscribeFn done);
  void announce(const Member& member, bool joined);

  const std::string name_;
  const ChannelOptions& options_;
  Members members_;
  TimerId review_timer_ = 0;  // the table's
};

inline constexpr MonoTime kNever{INT64_MAX};

}  // namespace lcg::broker
