// Hub: the fan-out of one gateway lane. channel -> subscribers, dense, removal O(1).
//
// A delivery is put with its channel; at the end of the lane's turn, or when the channel's batch_delay is over, every
// channel that got any makes ONE block for each group of subscribers (hub_channel.h): whole frames of their transport
// (framing.h), contiguous, immutable, shared by all who get it. Per subscriber it costs a compare of positions and one
// Transport::send_block(): no allocation, no lock, no log. Where the turn brings several blocks, they are gathered: what
// one connection gets of them leaves in one write.
//
// Positions: recovery.h has the rules. A subscriber that lost its position is reported to its owner after the
// loop. What a filter leaves out has been passed all the same.
//
// Deltas: the first publication is sent whole, those after it as their patches, and whole again where the one before
// was not sent. A patch is a patch of the publication one offset before (broker/api/types.h).
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
#include <algorithm>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_map.h"
#include "base/lane.h"
#include "gateway/fanout/framing.h"
#include "gateway/fanout/hub_channel.h"

namespace lcg::gateway {

// Since the lane began.
struct HubStats {
  uint64_t publications = 0;  // delivered to this lane
  uint64_t sent = 0;          // publications times subscribers
  uint64_t blocks = 0;        // encoded
  uint64_t duplicates = 0;    // blocks a subscriber had in full already
  uint64_t filtered = 0;      // blocks of which a filter left nothing, times subscribers
  uint64_t positions_lost = 0;
  uint64_t collapses = 0;
};

struct HubOptions {
  size_t soft_queue_bytes = protocol::kSoftQueueBytes;
  size_t messages_per_frame = protocol::kMaxPushesPerFrame;
  ws::DeflateOptions deflate = {};
};

// What a subscriber starts with: the position the answer leaves its client at.
struct Activation {
  StreamPosition position;
  bool tracked = false;           // positioned or recoverable
  bool join_leave = false;        // wants join and leave
  TagFilterPtr filter = nullptr;  // null: everything
  Millis batch_delay{0};          // of the channel
};

class Hub {
 public:
  Hub(Lane& lane, const HubOptions& options)
      : lane_(lane),
        soft_queue_bytes_(options.soft_queue_bytes),
        framer_(options.messages_per_frame, options.deflate) {}
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  // Before the broker is asked. `collapsible` is the channel's: every caller says the same.
  void subscribe(std::string_view channel, bool collapsible, Subscription& subscription);
  // When the reply is with the transport: sends what was held and follows the answer, in subscription.variant.
  // Tells the owner, before it returns, if that is not possible; the subscription may be gone then.
  void activate(Subscription& subscription, const Activation& activation);
  // Pending or active. The hub forgets it; nothing more is sent for it.
  void remove(Subscription& subscription);

  // Null: nobody here is subscribed.
  HubChannel* find(std::string_view channel);
  static bool collapsed(const Subscription& subscription);
  // The last that it was sent, or passed. REQUIRES: it is active.
  static StreamPosition position(const Subscription& subscription);

  void deliver(DeliverPublication delivery);
  void deliver(DeliverJoinLeave delivery);
  // DeliverUnsubscribe for every subscriber.
  void end_all(std::string_view channel, uint32_t code, std::string_view reason);

  // Sends what this turn brought. Runs by itself at the turn's end.
  void flush();
  // The same for one channel, before something that must come after it; also ends a batch_delay.
  void flush(std::string_view channel);

  // ---- For the periodic check of positions (gateway/session/position_check.h)

  // Rounds are what the age of a channel's last use is told in.
  void begin_round() { ++round_; }
  // Looks at the next `share` channels, in turn, and calls ask(const HubChannel&) for at most `budget` of them: those
  // that have a tracked subscriber and were not in use in the last `rounds` rounds. They count as in use now.
  template <class Ask>
  void each_quiet(size_t share, size_t budget, uint32_t rounds, Ask&& ask) {
    for (size_t i = std::min(share, watched_.size()); i > 0 && budget > 0 && !watched_.empty(); --i) {
      if (watch_cursor_ >= watched_.size()) watch_cursor_ = 0;
      HubChannel& channel = *watched_[watch_cursor_++];
      if (channel.tracked_members == 0 || round_ - channel.quiet_since < rounds) continue;
      channel.quiet_since = round_;
      --budget;
      ask(channel);
    }
  }
  // The channel was at `top` a while ago: who is tracked and not there yet has lost its position.
  void compare(std::string_view channel, const StreamPosition& top);

  size_t channel_count() const { return channels_.size(); }
  const HubStats& stats() const { return stats_; }

 private:
  // What a group is sent of a run.
  struct Block {
    enum class State : uint8_t { kNotMade, kReady, kNothing, kInappropriate };
    State state = State::kNotMade;
    uint32_t messages = 0;
    SharedBytes frames;
  };
  using Publications = std::span<const PublicationPtr>;

  void mark_dirty(HubChannel& channel);
  void plan_flush();
  void send_turn(HubChannel& channel);
  void send_run(HubChannel& channel, Publications run);
  void send_to(ws::Transport& transport, const SharedBytes& block) const {
    if (gathering_)
      transport.gather_block(block);
    else
      transport.send_block(block);
  }
  void send_memberships(HubChannel& channel);
  void report(HubChannel& channel);
  void remove_member(HubChannel& channel, uint32_t index);
  void close_up(HubChannel& channel);
  void drop_if_empty(HubChannel& channel);
  // False: the held publications do not follow the place the member is at.
  bool catch_up(HubChannel& channel, uint32_t member, const PendingSubscription& held);
  // False: it cannot be written for the member, whose owner was told; the member may be gone.
  bool send_held(HubChannel& channel, HubChannel::Member& member, Publications run);
  // Makes it if it is not made: `blocks` are those of this run, by group.
  const Block& block_of(HubChannel& channel, uint32_t group, Publications run, std::vector<Block>& blocks);
  void make_block(HubChannel& channel, uint32_t group, Publications run, std::vector<Block>& blocks);
  SharedBytes encode(const HubChannel& channel, const protocol::Variant& variant, Publications run);
  SharedBytes encode(const HubChannel& channel, const protocol::Variant& variant,
                     std::span<const MembershipPtr> run);

  Lane& lane_;
  const size_t soft_queue_bytes_;
  Framer framer_;
  GrowingMap<std::string_view, std::unique_ptr<HubChannel>> channels_;  // the key lives in the channel
  std::deque<HubChannel*> watched_;  // all, in the order they are looked at
  size_t watch_cursor_ = 0;
  uint32_t round_ = 0;
  int64_t last_id_ = 0;
  std::vector<HubChannel*> dirty_;
  std::vector<HubChannel*> flushing_;           // swapped with dirty_
  std::vector<Block> blocks_, tails_;           // by group, of the run being sent
  std::vector<uint32_t> lost_, inappropriate_;  // members of the channel being sent, to be reported
  std::vector<PublicationPtr> passed_;          // by a filter, of the run being encoded
  bool flush_planned_ = false;
  bool gathering_ = false;  // the turn has more than one block for those who get this one, or may have
  HubStats stats_;
};

}  // namespace lcg::gateway
