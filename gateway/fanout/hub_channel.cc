#include "gateway/fanout/hub_channel.h"

#include <utility>

#include "base/text_hash.h"

namespace lcg::gateway {

namespace {

void mix(size_t& hash, size_t more) { hash = (hash ^ more) * 0x9e3779b97f4a7c15u + (hash >> 29); }
void mix(size_t& hash, std::string_view text) { mix(hash, text_hash(text)); }  // of clients: seeded

// As deep as a filter may be: protocol::kMaxFilterDepth.
void mix(size_t& hash, const protocol::TagFilter& filter) {
  mix(hash, filter.op);
  mix(hash, filter.key);
  mix(hash, filter.cmp);
  mix(hash, filter.val);
  for (const std::string& val : filter.vals) mix(hash, val);
  for (const protocol::TagFilter& node : filter.nodes) mix(hash, node);
}

uint8_t packed(const protocol::Variant& variant) {
  return static_cast<uint8_t>(
      static_cast<unsigned>(variant.encoding) | static_cast<unsigned>(variant.framing) << 1 |
      static_cast<unsigned>(variant.unidirectional) << 3 | static_cast<unsigned>(variant.compact) << 4);
}

}  // namespace

size_t HubChannel::FilterHash::operator()(const FilterKey& key) const {
  size_t hash = key.variant;
  mix(hash, *key.filter);
  return hash;
}

EpochNumber HubChannel::epoch_number(std::string_view epoch) {
  if (epoch.empty()) return kAnyEpoch;
  for (size_t i = epochs.size(); i > 0; --i) {  // the newest is the likeliest
    if (epochs[i - 1] == epoch) return static_cast<EpochNumber>(i - 1);
  }
  epochs.emplace_back(epoch);
  return static_cast<EpochNumber>(epochs.size() - 1);
}

uint32_t HubChannel::plain_group(const protocol::Variant& variant) {
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i].filter == nullptr && !groups[i].free && groups[i].variant == variant)
      return static_cast<uint32_t>(i);
  }
  groups.push_back({.variant = variant});
  return static_cast<uint32_t>(groups.size() - 1);
}

uint32_t HubChannel::group_number(const protocol::Variant& variant, const TagFilterPtr& filter) {
  const uint32_t plain = plain_group(variant);
  if (variant.delta != protocol::DeltaForm::kNone) {
    protocol::Variant other = variant;
    other.delta = variant.delta == protocol::DeltaForm::kFull ? protocol::DeltaForm::kPatch
                                                              : protocol::DeltaForm::kFull;
    const uint32_t sibling = plain_group(other);
    groups[plain].other = sibling;
    groups[sibling].other = plain;
  }
  if (filter == nullptr) return plain;

  if (filters_ == nullptr) filters_ = std::make_unique<Filters>();
  const auto found = filters_->groups.find({packed(variant), filter.get()});
  if (found != filters_->groups.end()) return found->second;
  auto number = static_cast<uint32_t>(groups.size());
  if (filters_->free.empty()) {
    groups.emplace_back();
  } else {
    number = filters_->free.back();
    filters_->free.pop_back();
  }
  groups[number] = {.variant = variant, .filter = filter, .other = plain};
  filters_->groups.emplace(FilterKey{packed(variant), filter.get()}, number);
  return number;
}

void HubChannel::leave_group(uint32_t number) {
  Group& group = groups[number];
  if (--group.members > 0 || group.filter == nullptr) return;
  filters_->groups.erase({packed(group.variant), group.filter.get()});
  group = {.free = true};
  filters_->free.push_back(number);
}

uint32_t HubChannel::step_delta(Member& member, bool has_base, bool is_base) {
  const uint32_t now = member.group;
  const bool whole = groups[now].variant.delta == protocol::DeltaForm::kFull;
  const uint32_t full = whole ? now : groups[now].other, patch = whole ? groups[now].other : now;
  member.group = is_base ? patch : full;
  if (member.group != now) {
    leave_group(now);
    join_group(member.group);
  }
  return has_base && !whole ? patch : full;
}

}  // namespace lcg::gateway
