#include "broker/channel/channel_table.h"

#include <algorithm>

#include "broker/channel/memory_channel.h"
#include "broker/channel/provided_channel.h"

namespace lcg::broker {
namespace {

// A channel is looked at no more often than this, however short its times to live are.
constexpr Millis kShortestReview{1000};

}  // namespace

ChannelTable::ChannelTable(ChannelContext& context, const Namespaces& namespaces, size_t limit)
    : context_(context), namespaces_(namespaces), limit_(limit) {}

ChannelTable::~ChannelTable() {
  for (auto& [name, channel] : channels_) context_.lane.cancel_timer(channel->review_timer_);
}

std::shared_ptr<Channel> ChannelTable::find(std::string_view name) const {
  const auto found = channels_.find(name);
  return found == channels_.end() ? nullptr : found->second;
}

std::shared_ptr<Channel> ChannelTable::obtain(std::string_view name, const ChannelOptions& options) {
  if (auto known = find(name)) return known;
  if (channels_.size() >= limit_) return nullptr;
  std::shared_ptr<Channel> channel;
  if (options.provided())
    channel = std::make_shared<ProvidedChannel>(context_, std::string(name), options);
  else
    channel = std::make_shared<MemoryChannel>(context_, std::string(name), options);
  channels_.emplace(std::string(name), channel);
  return channel;
}

void ChannelTable::release(Channel& channel) {
  // A channel with a timer has something that has yet to expire.
  if (channel.review_timer_ != 0 || channel.busy()) return;
  const MonoTime now = context_.lane.now();
  const std::optional<MonoTime> next = channel.maintain(now);
  if (!next) {
    const auto found = channels_.find(std::string_view(channel.name()));
    if (found != channels_.end() && found->second.get() == &channel) channels_.erase(found);
    return;
  }
  if (*next == kNever) return;
  const auto wait = std::max(kShortestReview, std::chrono::ceil<Millis>(*next - now));
  channel.review_timer_ = context_.lane.start_timer(wait, [this, &channel] {
    channel.review_timer_ = 0;
    release(channel);
  });
}

}  // namespace lcg::broker
