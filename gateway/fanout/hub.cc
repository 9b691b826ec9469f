// Who is subscribed to what, and what waits to be sent. Sending is hub_send.cc.
#include "gateway/fanout/hub.h"

#include <algorithm>
#include <utility>

namespace lcg::gateway {

Hub::~Hub() {
  channels_.for_each([this](const auto& entry) { lane_.cancel_timer(entry.value->batch_timer); });
}

void Hub::subscribe(std::string_view channel, bool collapsible, Subscription& subscription) {
  HubChannel* known = find(channel);
  if (known == nullptr) {
    auto made = std::make_unique<HubChannel>(std::string(channel), ++last_id_, collapsible);
    known = made.get();
    known->watch_index = static_cast<uint32_t>(watched_.size());
    watched_.push_back(known);
    channels_.try_emplace(std::string_view(known->name), std::move(made));
  }
  HubChannel& in = *known;
  subscription.channel = &in;
  subscription.index = static_cast<uint32_t>(in.pending.size());
  in.pending.push_back(&subscription);
}

void Hub::activate(Subscription& subscription, const Activation& activation) {
  HubChannel& channel = *subscription.channel;
  // What waits for the turn's end was held for this subscription too: let the others have it first, so that
  // no block overlaps with what it is sent now.
  send_turn(channel);
  channel.pending[subscription.index] = channel.pending.back();
  channel.pending[subscription.index]->index = subscription.index;
  channel.pending.pop_back();
  channel.batch_delay = activation.batch_delay;
  channel.quiet_since = round_;

  const auto member = static_cast<uint32_t>(channel.members.size());
  channel.members.push_back(
      {.subscription = &subscription,
       .transport = &subscription.transport,
       .place = {.offset = activation.position.offset,
                 .epoch = channel.epoch_number(activation.position.epoch),
                 .tracked = activation.tracked},
       .group = channel.group_number(subscription.variant, activation.filter),
       .join_leave = activation.join_leave,
       .collapsible = channel.collapsible && activation.tracked && !subscription.server_side,
       .collapsed = false,
       .delta = subscription.variant.delta != protocol::DeltaForm::kNone});
  channel.join_group(channel.members.back().group);
  if (activation.join_leave) ++channel.join_leave_members;
  if (activation.tracked) ++channel.tracked_members;
  subscription.index = member;
  subscription.active = true;
  const std::unique_ptr<PendingSubscription> held = std::move(subscription.pending);
  if (held != nullptr && !catch_up(channel, member, *held)) {
    ++stats_.positions_lost;
    subscription.owner.on_position_lost(subscription);
  }
}

void Hub::remove(Subscription& subscription) {
  HubChannel& channel = *subscription.channel;
  subscription.channel = nullptr;
  subscription.pending.reset();
  if (subscription.active) {
    subscription.active = false;
    remove_member(channel, subscription.index);
  } else {
    channel.pending[subscription.index] = channel.pending.back();
    channel.pending[subscription.index]->index = subscription.index;
    channel.pending.pop_back();
  }
  drop_if_empty(channel);
}

void Hub::remove_member(HubChannel& channel, uint32_t index) {
  HubChannel::Member& member = channel.members[index];
  channel.leave_group(member.group);
  if (member.join_leave) --channel.join_leave_members;
  if (member.place.tracked) --channel.tracked_members;
  member.subscription = nullptr;
  if (channel.sending) {
    ++channel.emptied;
    return;
  }
  if (index + 1 != channel.members.size()) {
    member = channel.members.back();
    member.subscription->index = index;
  }
  channel.members.pop_back();
}

void Hub::close_up(HubChannel& channel) {
  if (channel.emptied == 0) return;
  channel.emptied = 0;
  std::erase_if(channel.members, [](const HubChannel::Member& m) { return m.subscription == nullptr; });
  for (size_t i = 0; i < channel.members.size(); ++i) {
    channel.members[i].subscription->index = static_cast<uint32_t>(i);
  }
}

void Hub::drop_if_empty(HubChannel& channel) {
  if (channel.sending || !channel.members.empty() || !channel.pending.empty()) return;
  if (channel.waiting) {
    channel.waiting = channel.dirty = false;
    lane_.cancel_timer(channel.batch_timer);
  }
  if (channel.dirty) return;  // flush() looks at it again
  watched_[channel.watch_index] = watched_.back();
  watched_[channel.watch_index]->watch_index = channel.watch_index;
  watched_.pop_back();
  channels_.erase(std::string_view(channel.name));
}

HubChannel* Hub::find(std::string_view channel) {
  const auto* entry = channels_.find(channel);
  return entry == nullptr ? nullptr : entry->value.get();
}

bool Hub::collapsed(const Subscription& subscription) {
  return subscription.active && subscription.channel->members[subscription.index].collapsed;
}

StreamPosition Hub::position(const Subscription& subscription) {
  const HubChannel& channel = *subscription.channel;
  const Place& place = channel.members[subscription.index].place;
  return {place.offset, place.epoch == kAnyEpoch ? std::string() : channel.epochs[place.epoch]};
}

namespace {

template <class Event>
void hold(HubChannel& channel, std::vector<Event> PendingSubscription::*events, const Event& event) {
  for (Subscription* subscription : channel.pending) {
    PendingSubscription& held = subscription->while_pending();
    if ((held.*events).size() < protocol::kMaxHeldEvents) {
      (held.*events).push_back(event);
    } else {
      held.overflowed = true;
    }
  }
}

}  // namespace

void Hub::deliver(DeliverPublication delivery) {
  HubChannel* channel = find(delivery.channel);
  if (channel == nullptr) return;
  ++stats_.publications;
  hold(*channel, &PendingSubscription::publications, delivery.publication);
  if (channel->members.empty()) return;
  channel->turn.push_back(std::move(delivery.publication));
  mark_dirty(*channel);
}

void Hub::deliver(DeliverJoinLeave delivery) {
  HubChannel* channel = find(delivery.channel);
  if (channel == nullptr || (channel->pending.empty() && channel->join_leave_members == 0)) return;
  const auto event = std::make_shared<const DeliverJoinLeave>(std::move(delivery));
  hold(*channel, &PendingSubscription::memberships, event);
  if (channel->join_leave_members == 0) return;
  channel->turn_memberships.push_back(event);
  mark_dirty(*channel);
}

void Hub::end_all(std::string_view name, uint32_t code, std::string_view reason) {
  HubChannel* channel = find(name);
  if (channel == nullptr) return;
  send_turn(*channel);
  // Owners remove themselves: go by a copy. Each owner can only remove its own.
  std::vector<Subscription*> all = channel->pending;
  for (const HubChannel::Member& member : channel->members) {
    if (member.subscription != nullptr) all.push_back(member.subscription);
  }
  for (Subscription* subscription : all) subscription->owner.on_unsubscribed(*subscription, code, reason);
}

void Hub::plan_flush() {
  if (flush_planned_) return;
  flush_planned_ = true;
  lane_.at_turn_end([this] {
    flush_planned_ = false;
    flush();
  });
}

void Hub::mark_dirty(HubChannel& channel) {
  const size_t events = channel.turn.size() + channel.turn_memberships.size();
  if (channel.waiting && events >= kMaxBatchedEvents) {
    channel.waiting = channel.dirty = false;
    lane_.cancel_timer(channel.batch_timer);
  }
  if (channel.dirty) return;
  channel.dirty = true;
  if (channel.batch_delay.count() > 0 && events < kMaxBatchedEvents) {
    channel.waiting = true;
    channel.batch_timer = lane_.start_timer(channel.batch_delay, [this, &channel] {
      channel.waiting = false;
      dirty_.push_back(&channel);
      plan_flush();
    });
    return;
  }
  dirty_.push_back(&channel);
  plan_flush();
}

void Hub::flush() {
  flushing_.swap(dirty_);
  gathering_ = flushing_.size() > 1;
  for (size_t i = 0; i < flushing_.size(); ++i) {  // dirty channels are not dropped: the pointers hold
    HubChannel& channel = *flushing_[i];
    send_turn(channel);
    channel.dirty = false;
    drop_if_empty(channel);
  }
  flushing_.clear();
  gathering_ = false;
}

void Hub::flush(std::string_view channel) {
  if (HubChannel* found = find(channel)) send_turn(*found);
}

void Hub::compare(std::string_view name, const StreamPosition& top) {
  HubChannel* channel = find(name);
  if (channel == nullptr || channel->sending) return;
  send_turn(*channel);
  const EpochNumber epoch = channel->epoch_number(top.epoch);
  std::vector<Subscription*> lost;
  for (const HubChannel::Member& member : channel->members) {
    const Place& place = member.place;
    if (!place.tracked || member.collapsed) continue;
    const bool elsewhere = place.epoch != epoch && place.epoch != kAnyEpoch;
    if (elsewhere || place.offset < top.offset) lost.push_back(member.subscription);
  }
  stats_.positions_lost += lost.size();
  for (Subscription* subscription : lost) subscription->owner.on_position_lost(*subscription);
}

}  // namespace lcg::gateway
