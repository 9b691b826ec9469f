#include "gateway/fanout/hub.h"

#include <algorithm>
#include <utility>

#include "gateway/protocol/limits.h"
#include "gateway/ws/frame.h"

namespace lcg::gateway {

EpochNumber HubChannel::epoch_number(std::string_view epoch) {
  if (epoch.empty()) return kAnyEpoch;
  for (size_t i = epochs.size(); i > 0; --i) {  // the newest is the likeliest
    if (epochs[i - 1] == epoch) return static_cast<EpochNumber>(i - 1);
  }
  epochs.emplace_back(epoch);
  return static_cast<EpochNumber>(epochs.size() - 1);
}

uint32_t HubChannel::variant_number(const protocol::Variant& variant) {
  for (size_t i = 0; i < variants.size(); ++i)
    if (variants[i].variant == variant) return static_cast<uint32_t>(i);
  variants.push_back({variant});
  return static_cast<uint32_t>(variants.size() - 1);
}

void Hub::subscribe(std::string_view channel, bool collapsible, Subscription& subscription) {
  auto it = channels_.find(channel);
  if (it == channels_.end()) {
    it = channels_.emplace(std::string(channel), std::make_unique<HubChannel>()).first;
    it->second->name = channel;
    it->second->collapsible = collapsible;
  }
  HubChannel& in = *it->second;
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

  const auto member = static_cast<uint32_t>(channel.members.size());
  channel.members.push_back(
      {.subscription = &subscription,
       .transport = &subscription.transport,
       .place = {.offset = activation.position.offset,
                 .epoch = channel.epoch_number(activation.position.epoch),
                 .tracked = activation.tracked},
       .variant = channel.variant_number(subscription.variant),
       .join_leave = activation.join_leave,
       .collapsible = channel.collapsible && activation.tracked && !subscription.server_side,
       .collapsed = false});
  ++channel.variants[channel.members.back().variant].members;
  if (activation.join_leave) ++channel.join_leave_members;
  subscription.index = member;
  subscription.active = true;
  const std::unique_ptr<HeldEvents> held = std::move(subscription.held);
  if (held != nullptr && !catch_up(channel, member, *held)) {
    ++stats_.positions_lost;
    subscription.owner.on_position_lost(subscription);
  }
}

bool Hub::catch_up(HubChannel& channel, uint32_t member, const HeldEvents& held) {
  HubChannel::Member& to = channel.members[member];
  ws::Transport& transport = *to.transport;
  const bool join_leave = to.join_leave;
  const protocol::Variant variant = channel.variants[to.variant].variant;
  if (held.overflowed && to.place.tracked) return false;
  std::vector<PublicationPtr> following;
  for (const PublicationPtr& publication : held.publications) {
    const Run run{publication->offset, publication->offset, channel.epoch_number(publication->epoch)};
    const Reach got = reach(to.place, run);
    if (got == Reach::kLost) return false;
    if (got == Reach::kNone) continue;
    following.push_back(publication);
    to.place.offset = run.last;
    to.place.epoch = run.epoch;
  }
  if (!following.empty()) {
    stats_.sent += following.size();
    transport.send_block(encode(variant, channel.name, std::span<const PublicationPtr>(following)));
  }
  if (!held.memberships.empty() && join_leave) {
    transport.send_block(encode(variant, channel.name, std::span<const MembershipPtr>(held.memberships)));
  }
  return true;
}

void Hub::remove(Subscription& subscription) {
  HubChannel& channel = *subscription.channel;
  subscription.channel = nullptr;
  subscription.held.reset();
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
  --channel.variants[member.variant].members;
  if (member.join_leave) --channel.join_leave_members;
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
  // One on the dirty list is looked at again by flush().
  if (channel.sending || channel.dirty || !channel.members.empty() || !channel.pending.empty()) return;
  channels_.erase(channels_.find(channel.name));
}

HubChannel* Hub::find(std::string_view channel) {
  const auto it = channels_.find(channel);
  return it == channels_.end() ? nullptr : it->second.get();
}

bool Hub::collapsed(const Subscription& subscription) {
  return subscription.active && subscription.channel->members[subscription.index].collapsed;
}

namespace {

template <class Event>
void hold(HubChannel& channel, std::vector<Event> HeldEvents::*events, const Event& event) {
  for (Subscription* subscription : channel.pending) {
    if (subscription->held == nullptr) subscription->held = std::make_unique<HeldEvents>();
    HeldEvents& held = *subscription->held;
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
  hold(*channel, &HeldEvents::publications, delivery.publication);
  if (channel->members.empty()) return;
  channel->turn.push_back(std::move(delivery.publication));
  mark_dirty(*channel);
}

void Hub::deliver(DeliverJoinLeave delivery) {
  HubChannel* channel = find(delivery.channel);
  if (channel == nullptr || (channel->pending.empty() && channel->join_leave_members == 0)) return;
  const auto event = std::make_shared<const DeliverJoinLeave>(std::move(delivery));
  hold(*channel, &HeldEvents::memberships, event);
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

void Hub::mark_dirty(HubChannel& channel) {
  if (channel.dirty) return;
  channel.dirty = true;
  dirty_.push_back(&channel);
  if (flush_planned_) return;
  flush_planned_ = true;
  lane_.at_turn_end([this] {
    flush_planned_ = false;
    flush();
  });
}

void Hub::flush() {
  flushing_.swap(dirty_);
  for (size_t i = 0; i < flushing_.size(); ++i) {  // dirty channels are not dropped: the pointers hold
    HubChannel& channel = *flushing_[i];
    send_turn(channel);
    channel.dirty = false;
    drop_if_empty(channel);
  }
  flushing_.clear();
}

void Hub::flush(std::string_view channel) {
  if (HubChannel* found = find(channel)) send_turn(*found);
}

void Hub::send_turn(HubChannel& channel) {
  if (channel.sending || (channel.turn.empty() && channel.turn_memberships.empty())) return;
  channel.sending = true;
  const std::vector<PublicationPtr> turn = std::exchange(channel.turn, {});
  for (size_t begin = 0; begin < turn.size();) {
    size_t end = begin + 1;
    while (end < turn.size() && continues(turn[end - 1]->offset, turn[end - 1]->epoch, *turn[end])) ++end;
    send_run(channel, std::span<const PublicationPtr>(turn).subspan(begin, end - begin));
    begin = end;
  }
  send_memberships(channel);
  channel.sending = false;
  close_up(channel);
}

void Hub::send_run(HubChannel& channel, std::span<const PublicationPtr> run) {
  const Run is{run.front()->offset, run.back()->offset, channel.epoch_number(run.front()->epoch)};
  blocks_.assign(channel.variants.size(), {});
  for (size_t v = 0; v < channel.variants.size(); ++v) {
    if (channel.variants[v].members > 0) blocks_[v] = encode(channel.variants[v].variant, channel.name, run);
  }
  // Those who joined in the middle of the run, mostly several at the same place.
  uint64_t tail_after = 0;
  tails_.assign(channel.variants.size(), {});

  const size_t count = channel.members.size();
  for (size_t i = 0; i < count; ++i) {
    HubChannel::Member& member = channel.members[i];
    if (member.subscription == nullptr || member.collapsed) continue;
    const size_t v = member.variant;
    const Reach got = reach(member.place, is);
    if (got == Reach::kNone) {
      ++stats_.duplicates;
      continue;
    }
    if (got == Reach::kLost) {
      lost_.push_back(static_cast<uint32_t>(i));
      continue;
    }
    if (member.collapsible && member.transport->queued_bytes() >= soft_queue_bytes_) {
      member.collapsed = true;
      ++stats_.collapses;
      continue;
    }
    const uint64_t after = member.place.offset;
    member.place.offset = is.last;
    member.place.epoch = is.epoch;
    if (got == Reach::kAll) {
      stats_.sent += run.size();
      member.transport->send_block(blocks_[v]);  // `member` may be moved by what this calls
      continue;
    }
    const std::span<const PublicationPtr> rest = run.subspan(static_cast<size_t>(after - is.first + 1));
    if (tail_after != after) tails_.assign(channel.variants.size(), {});
    tail_after = after;
    if (tails_[v].empty()) tails_[v] = encode(channel.variants[v].variant, channel.name, rest);
    stats_.sent += rest.size();
    member.transport->send_block(tails_[v]);
  }
  report_lost(channel);
}

void Hub::report_lost(HubChannel& channel) {
  if (lost_.empty()) return;
  std::vector<uint32_t> lost = std::exchange(lost_, {});
  stats_.positions_lost += lost.size();
  for (const uint32_t index : lost) {  // places do not move while the channel is being sent
    Subscription* subscription = channel.members[index].subscription;
    if (subscription != nullptr) subscription->owner.on_position_lost(*subscription);
  }
}

void Hub::send_memberships(HubChannel& channel) {
  if (channel.turn_memberships.empty()) return;
  const std::vector<MembershipPtr> turn = std::exchange(channel.turn_memberships, {});
  blocks_.assign(channel.variants.size(), {});
  const size_t count = channel.members.size();
  for (size_t i = 0; i < count; ++i) {
    const HubChannel::Member& member = channel.members[i];
    if (member.subscription == nullptr || member.collapsed || !member.join_leave) continue;
    SharedBytes& mine = blocks_[member.variant];
    if (mine.empty())
      mine = encode(channel.variants[member.variant].variant, channel.name,
                    std::span<const MembershipPtr>(turn));
    member.transport->send_block(mine);
  }
}

template <class Write>
SharedBytes Hub::frames(const protocol::Variant& variant, size_t count, Write&& write) {
  ++stats_.blocks;
  const ws::Opcode opcode = ws::opcode_of(protocol::encoder_of(variant).message_kind());
  frames_.clear();
  for (size_t i = 0; i < count;) {
    message_.clear();
    for (size_t in_frame = 0; in_frame < protocol::kMaxPushesPerFrame && i < count; ++in_frame)
      write(i++, message_);
    const size_t at = frames_.size();
    frames_.resize(at + ws::frame_size(message_.size()));
    ws::write_frame(frames_.data() + at, opcode, message_);
  }
  SharedBytes block(frames_);
  if (frames_.capacity() > protocol::kKeptBufferBytes) frames_ = message_ = std::string();
  return block;
}

SharedBytes Hub::encode(const protocol::Variant& variant, std::string_view channel,
                        std::span<const PublicationPtr> run) {
  const protocol::Encoder& encoder = protocol::encoder_of(variant);
  return frames(variant, run.size(), [&](size_t i, std::string& out) {
    encoder.push_publication(out, {channel}, *run[i], variant.delta);
  });
}

SharedBytes Hub::encode(const protocol::Variant& variant, std::string_view channel,
                        std::span<const MembershipPtr> run) {
  const protocol::Encoder& encoder = protocol::encoder_of(variant);
  return frames(variant, run.size(), [&](size_t i, std::string& out) {
    if (run[i]->joined) {
      encoder.push_join(out, {channel}, run[i]->info);
    } else {
      encoder.push_leave(out, {channel}, run[i]->info);
    }
  });
}

}  // namespace lcg::gateway
