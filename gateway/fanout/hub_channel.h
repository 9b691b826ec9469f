// HubChannel: one channel on one gateway lane: who is subscribed, in which form each gets a publication, and what
// the turn has brought. A part of Hub (hub.h); lane: the gateway lane's.
//
// Groups: subscribers whose protocol variant and tag filter are equal share every block. A channel has a handful of
// them, but for filters: those are found by hash, and the place of one that nobody uses any more is taken by the next.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/lane.h"
#include "gateway/fanout/recovery.h"
#include "gateway/fanout/subscription.h"

namespace lcg::gateway {

// Publications, joins and leaves that wait for the end of a channel's batch_delay; with more they leave at once.
inline constexpr size_t kMaxBatchedEvents = 512;

struct HubChannel {
  struct Member {
    Subscription* subscription;  // null: removed while the channel is being sent
    ws::Transport* transport;
    Place place;
    uint32_t group;  // place in HubChannel::groups
    bool join_leave;
    bool collapsible;
    bool collapsed;
    bool delta;
  };
  struct Group {
    protocol::Variant variant = {};
    TagFilterPtr filter = nullptr;
    // Of a filter: the group of the same variant without one. Of a delta: the group of the other form.
    uint32_t other = 0;
    uint32_t members = 0;
    bool free = false;  // was a filter's
  };

  HubChannel(std::string name_in, int64_t id_in, bool collapsible_in)
      : name(std::move(name_in)), id(id_in), collapsible(collapsible_in) {}

  // The number of `epoch`, "" being kAnyEpoch. As many are kept as there were epochs while anybody was
  // subscribed here, so a handful: a new one means that the channel's owner lost its stream.
  EpochNumber epoch_number(std::string_view epoch);
  // REQUIRES: no filter together with a delta.
  uint32_t group_number(const protocol::Variant& variant, const TagFilterPtr& filter);
  void join_group(uint32_t group) { ++groups[group].members; }
  void leave_group(uint32_t group);
  // The group that a delta member's next publications are encoded for. Without `has_base` the first of them is sent whole;
  // unless they are a base (what has no offset has no patch to follow it) the next will be, too.
  uint32_t step_delta(Member& member, bool has_base, bool is_base);

  const std::string name;
  const int64_t id;  // in place of the name, where that was agreed (compaction)
  const bool collapsible;
  bool dirty = false;    // on the hub's list of this turn
  bool waiting = false;  // for the end of batch_delay; counts as dirty
  bool sending = false;  // in the loop over members
  uint32_t emptied = 0;  // members without a subscription
  uint32_t join_leave_members = 0;
  uint32_t tracked_members = 0;
  uint32_t quiet_since = 0;  // round of the hub's position check in which it last was in use or compared
  uint32_t watch_index = 0;  // the hub's
  Millis batch_delay{0};     // publications wait that long to leave together; 0: for the turn's end
  TimerId batch_timer = 0;
  std::vector<Group> groups;
  std::vector<Member> members;
  std::vector<Subscription*> pending;
  std::vector<std::string> epochs;
  std::vector<PublicationPtr> turn;             // not sent yet
  std::vector<MembershipPtr> turn_memberships;  // not sent yet

 private:
  struct FilterKey {
    uint8_t variant;
    const protocol::TagFilter* filter;  // of the group
  };
  struct FilterHash {
    size_t operator()(const FilterKey& key) const;
  };
  struct FilterEqual {
    bool operator()(const FilterKey& a, const FilterKey& b) const {
      return a.variant == b.variant && *a.filter == *b.filter;
    }
  };
  struct Filters {
    std::unordered_map<FilterKey, uint32_t, FilterHash, FilterEqual> groups;
    std::vector<uint32_t> free;
  };

  uint32_t plain_group(const protocol::Variant& variant);
  std::unique_ptr<Filters> filters_;
};

}  // namespace lcg::gateway
