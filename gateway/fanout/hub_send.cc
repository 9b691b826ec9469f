// The hot path: what a turn brought to a channel goes to its subscribers.
#include <algorithm>
#include <utility>

#include "gateway/fanout/hub.h"

namespace lcg::gateway {

using protocol::DeltaForm;

void Hub::send_turn(HubChannel& channel) {
  if (channel.sending || (channel.turn.empty() && channel.turn_memberships.empty())) return;
  channel.sending = true;
  channel.quiet_since = round_;
  const std::vector<PublicationPtr> turn = std::exchange(channel.turn, {});
  const bool alone = !gathering_;
  for (size_t begin = 0; begin < turn.size();) {
    size_t end = begin + 1;
    while (end < turn.size() && continues(turn[end - 1]->offset, turn[end - 1]->epoch, *turn[end])) ++end;
    gathering_ = !alone || end < turn.size() || begin > 0 || !channel.turn_memberships.empty();
    send_run(channel, Publications(turn).subspan(begin, end - begin));
    begin = end;
  }
  send_memberships(channel);
  gathering_ = !alone;
  channel.sending = false;
  close_up(channel);
}

void Hub::send_run(HubChannel& channel, Publications run) {
  const Run is{run.front()->offset, run.back()->offset, channel.epoch_number(run.front()->epoch)};
  blocks_.assign(channel.groups.size(), {});
  // Those who joined in the middle of the run, mostly several at the same place.
  uint64_t tail_after = 0;
  tails_.clear();

  const size_t count = channel.members.size();
  for (size_t i = 0; i < count; ++i) {
    HubChannel::Member& member = channel.members[i];
    if (member.subscription == nullptr || member.collapsed) continue;
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
    const Place from = member.place;
    // What has no position moves nobody from his.
    if (is.first != 0) {
      member.place.offset = is.last;
      member.place.epoch = is.epoch;
    }
    uint32_t group = member.group;
    if (member.delta) {
      const bool follows = got == Reach::kTail || from.offset + 1 == is.first;
      group = channel.step_delta(member, follows && from.epoch == is.epoch, is.first != 0);
    }
    if (got == Reach::kTail && (tails_.empty() || tail_after != from.offset)) {
      tails_.assign(channel.groups.size(), {});
      tail_after = from.offset;
    }
    const Block& block =
        got == Reach::kAll
            ? block_of(channel, group, run, blocks_)
            : block_of(channel, group, run.subspan(static_cast<size_t>(from.offset - is.first + 1)), tails_);
    if (block.state != Block::State::kReady) {
      if (block.state == Block::State::kInappropriate) {
        inappropriate_.push_back(static_cast<uint32_t>(i));
      } else {
        ++stats_.filtered;
      }
      continue;
    }
    stats_.sent += block.messages;
    send_to(*member.transport, block.frames);  // `member` may be moved by what this calls
  }
  report(channel);
}

void Hub::report(HubChannel& channel) {
  if (lost_.empty() && inappropriate_.empty()) return;
  const std::vector<uint32_t> lost = std::exchange(lost_, {});
  const std::vector<uint32_t> inappropriate = std::exchange(inappropriate_, {});
  stats_.positions_lost += lost.size();
  // Places do not move while the channel is being sent.
  for (const uint32_t index : lost) {
    Subscription* subscription = channel.members[index].subscription;
    if (subscription != nullptr) subscription->owner.on_position_lost(*subscription);
  }
  for (const uint32_t index : inappropriate) {
    Subscription* subscription = channel.members[index].subscription;
    if (subscription != nullptr) subscription->owner.on_inappropriate(*subscription);
  }
}

void Hub::send_memberships(HubChannel& channel) {
  if (channel.turn_memberships.empty()) return;
  const std::vector<MembershipPtr> turn = std::exchange(channel.turn_memberships, {});
  blocks_.assign(channel.groups.size(), {});
  const size_t count = channel.members.size();
  for (size_t i = 0; i < count; ++i) {
    const HubChannel::Member& member = channel.members[i];
    if (member.subscription == nullptr || member.collapsed || !member.join_leave) continue;
    SharedBytes& mine = blocks_[member.group].frames;
    if (mine.empty())
      mine = encode(channel, channel.groups[member.group].variant, std::span<const MembershipPtr>(turn));
    send_to(*member.transport, mine);
  }
}

bool Hub::catch_up(HubChannel& channel, uint32_t index, const PendingSubscription& held) {
  HubChannel::Member& to = channel.members[index];
  if (held.overflowed && to.place.tracked) return false;
  const auto publications = std::span<const PublicationPtr>(held.publications);
  for (size_t begin = 0; begin < publications.size();) {
    size_t end = begin + 1;
    while (end < publications.size() &&
           continues(publications[end - 1]->offset, publications[end - 1]->epoch, *publications[end]))
      ++end;
    const Publications run = publications.subspan(begin, end - begin);
    const Run is{run.front()->offset, run.back()->offset, channel.epoch_number(run.front()->epoch)};
    begin = end;
    const Reach got = reach(to.place, is);
    if (got == Reach::kLost) return false;
    if (got == Reach::kNone) continue;
    const Publications rest = got == Reach::kAll ? run : run.subspan(to.place.offset - is.first + 1);
    if (!send_held(channel, to, rest)) return true;
  }
  if (!held.memberships.empty() && to.join_leave) {
    to.transport->send_block(
        encode(channel, channel.groups[to.group].variant, std::span<const MembershipPtr>(held.memberships)));
  }
  return true;
}

// REQUIRES: `run` is new to the member.
bool Hub::send_held(HubChannel& channel, HubChannel::Member& member, Publications run) {
  const Place from = member.place;
  if (run.front()->offset != 0) {
    member.place.offset = run.back()->offset;
    member.place.epoch = channel.epoch_number(run.front()->epoch);
  }
  uint32_t group = member.group;
  if (member.delta) {
    const uint64_t first = run.front()->offset;
    const bool follows = from.offset + 1 == first && from.epoch == member.place.epoch;
    group = channel.step_delta(member, follows, first != 0);
  }
  std::vector<Block> blocks(channel.groups.size());
  const Block& block = block_of(channel, group, run, blocks);
  if (block.state == Block::State::kInappropriate) {
    member.subscription->owner.on_inappropriate(*member.subscription);
    return false;
  }
  if (block.state == Block::State::kReady) {
    stats_.sent += block.messages;
    member.transport->send_block(block.frames);
  }
  return true;
}

const Hub::Block& Hub::block_of(HubChannel& channel, uint32_t group, Publications run,
                                std::vector<Block>& blocks) {
  if (blocks[group].state == Block::State::kNotMade) make_block(channel, group, run, blocks);
  return blocks[group];
}

void Hub::make_block(HubChannel& channel, uint32_t number, Publications run, std::vector<Block>& blocks) {
  const HubChannel::Group& group = channel.groups[number];
  Block& block = blocks[number];
  if (group.filter != nullptr) {
    passed_.clear();
    for (const PublicationPtr& publication : run) {
      if (group.filter->matches(publication->tags)) passed_.push_back(publication);
    }
    if (passed_.empty()) {
      block.state = Block::State::kNothing;
      return;
    }
    if (passed_.size() == run.size()) {
      block = block_of(channel, group.other, run, blocks);  // as those have it who filter nothing
      return;
    }
    run = passed_;
  }
  const auto binary = [](const PublicationPtr& publication) { return publication->binary; };
  if (group.variant.encoding == Encoding::kJson && std::any_of(run.begin(), run.end(), binary)) {
    block.state = Block::State::kInappropriate;
    return;
  }
  block.state = Block::State::kReady;
  block.messages = static_cast<uint32_t>(run.size());
  block.frames = encode(channel, group.variant, run);
  passed_.clear();
}

SharedBytes Hub::encode(const HubChannel& channel, const protocol::Variant& variant, Publications run) {
  ++stats_.blocks;
  const protocol::Encoder& encoder = protocol::encoder_of(variant);
  const protocol::PushChannel name{channel.name, variant.compact ? channel.id : 0};
  return framer_.block(variant, run.size(), [&](size_t i, std::string& out) {
    // With the first the subscriber has a base for the others, which follow it without a gap.
    const DeltaForm form = variant.delta == DeltaForm::kFull && i > 0 ? DeltaForm::kPatch : variant.delta;
    encoder.push_publication(out, name, *run[i], form);
  });
}

SharedBytes Hub::encode(const HubChannel& channel, const protocol::Variant& variant,
                        std::span<const MembershipPtr> run) {
  ++stats_.blocks;
  const protocol::Encoder& encoder = protocol::encoder_of(variant);
  const protocol::PushChannel name{channel.name, variant.compact ? channel.id : 0};
  return framer_.block(variant, run.size(), [&](size_t i, std::string& out) {
    if (run[i]->joined) {
      encoder.push_join(out, name, run[i]->info);
    } else {
      encoder.push_leave(out, name, run[i]->info);
    }
  });
}

}  // namespace lcg::gateway
