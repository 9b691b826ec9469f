// Hub: the fan-out of one gateway lane. channel -> subscribers, dense, removal O(1).
//
// A delivery is put with its channel; at the end of the lane's turn every channel that got any makes ONE
// block for each protocol variant in use: whole WebSocket frames, contiguous, immutable, shared by all who
// get it. Per subscriber it costs a compare of positions and one Transport::send_block(): no allocation, no
// lock, no log.
//
// Positions: recovery.h has the rules. A subscriber that lost its position is reported to its owner after the
// loop.
//
// Slow consumers: in a collapsible channel (its publications are in a durable log: the dialogs) a tracked,
// client-side subscriber that is owed soft_queue_bytes is collapsed: it is sent no more publications of this
// channel, and only that is remembered, one bit. When its queue is drained (Transport::on_writable_low) the
// session ends the collapsed subscriptions with 2500; the SDK subscribes again with recovery from the last
// offset it saw and so pulls at its own speed what it missed. Nothing is lost, and what a slow client costs
// is bounded by its channels, not by their traffic. Other channels are sent to it until the transport's hard
// limit closes it with 3008.
//
// Re-entrancy: while a channel is being sent, a subscription may be removed (its place is emptied and closed
// up after the loop) and others may be activated (they are appended and get nothing of this block: activation
// first sends what is waiting). Sending the same channel again inside its own loop is not possible: it is put
// off to the next round.
//
// Lane: the gateway lane's.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/lane.h"
#include "gateway/fanout/recovery.h"
#include "gateway/fanout/subscription.h"

namespace lcg::gateway {

struct HubChannel {
  struct Member {
    Subscription* subscription;  // null: removed while the channel is being sent
    ws::Transport* transport;
    Place place;
    uint32_t variant;  // place in HubChannel::variants
    bool join_leave;
    bool collapsible;
    bool collapsed;
  };

  // The number of `epoch`, "" being kAnyEpoch. As many are kept as there were epochs while anybody was
  // subscribed here, so a handful: a new one means that the channel's owner lost its stream.
  EpochNumber epoch_number(std::string_view epoch);

  std::string name;
  bool collapsible = false;
  bool dirty = false;    // on the hub's list of this turn
  bool sending = false;  // in the loop over members
  uint32_t emptied = 0;  // members without a subscription
  uint32_t join_leave_members = 0;
  // Those that were ever in use here, a handful, and how many members each has.
  struct VariantUse {
    protocol::Variant variant;
    uint32_t members = 0;
  };
  uint32_t variant_number(const protocol::Variant& variant);
  std::vector<VariantUse> variants;
  std::vector<Member> members;
  std::vector<Subscription*> pending;
  std::vector<std::string> epochs;
  std::vector<PublicationPtr> turn;             // not sent yet
  std::vector<MembershipPtr> turn_memberships;  // not sent yet
};

// Since the lane began.
struct HubStats {
  uint64_t publications = 0;  // delivered to this lane
  uint64_t sent = 0;          // publications times subscribers
  uint64_t blocks = 0;        // encoded
  uint64_t duplicates = 0;    // blocks a subscriber had in full already
  uint64_t positions_lost = 0;
  uint64_t collapses = 0;
};

// What a subscriber starts with: the position the answer leaves its client at.
struct Activation {
  StreamPosition position;
  bool tracked = false;     // positioned or recoverable
  bool join_leave = false;  // wants join and leave
};

class Hub {
 public:
  Hub(Lane& lane, size_t soft_queue_bytes) : lane_(lane), soft_queue_bytes_(soft_queue_bytes) {}
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Before the broker is asked. `collapsible` is the channel's: every caller says the same.
  void subscribe(std::string_view channel, bool collapsible, Subscription& subscription);
  // When the reply is with the transport: sends what was held and follows the answer. Tells the owner, before
  // it returns, if that is not possible; the subscription may be gone then.
  void activate(Subscription& subscription, const Activation& activation);
  // Pending or active. The hub forgets it; nothing more is sent for it.
  void remove(Subscription& subscription);

  // Null: nobody here is subscribed.
  HubChannel* find(std::string_view channel);
  static bool collapsed(const Subscription& subscription);

  void deliver(DeliverPublication delivery);
  void deliver(DeliverJoinLeave delivery);
  // DeliverUnsubscribe for every subscriber.
  void end_all(std::string_view channel, uint32_t code, std::string_view reason);

  // Sends what this turn brought. Runs by itself at the turn's end.
  void flush();
  // The same for one channel, before something that must come after it.
  void flush(std::string_view channel);

  size_t channel_count() const { return channels_.size(); }
  const HubStats& stats() const { return stats_; }

 private:
  struct NameHash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  void mark_dirty(HubChannel& channel);
  void send_turn(HubChannel& channel);
  void send_run(HubChannel& channel, std::span<const PublicationPtr> run);
  void send_memberships(HubChannel& channel);
  void report_lost(HubChannel& channel);
  void remove_member(HubChannel& channel, uint32_t index);
  void close_up(HubChannel& channel);
  void drop_if_empty(HubChannel& channel);
  // False: the held publications do not follow the place the member is at.
  bool catch_up(HubChannel& channel, uint32_t member, const HeldEvents& held);
  SharedBytes encode(const protocol::Variant& variant, std::string_view channel,
                     std::span<const PublicationPtr> run);
  SharedBytes encode(const protocol::Variant& variant, std::string_view channel,
                     std::span<const MembershipPtr> run);
  // Gathers `count` messages, up to kMaxPushesPerFrame a frame; `write(i, out)` appends message i.
  template <class Write>
  SharedBytes frames(const protocol::Variant& variant, size_t count, Write&& write);

  Lane& lane_;
  const size_t soft_queue_bytes_;
  std::unordered_map<std::string, std::unique_ptr<HubChannel>, NameHash, std::equal_to<>> channels_;
  std::vector<HubChannel*> dirty_;
  std::vector<HubChannel*> flushing_;        // swapped with dirty_
  std::vector<SharedBytes> blocks_, tails_;  // by variant, of the run being sent
  std::vector<uint32_t> lost_;               // members of the channel being sent that lost their position
  std::string message_, frames_;             // reused
  bool flush_planned_ = false;
  HubStats stats_;
};

}  // namespace lcg::gateway
