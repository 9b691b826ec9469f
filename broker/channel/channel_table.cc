#include "broker/channel/channel_table.h"

#include "base/client_address.h"
#include "broker/channel/durable_channel.h"
#include "broker/channel/memory_channel.h"
#include "broker/channel/provided_channel.h"

namespace lcg::broker {
namespace {

// A channel is looked at no more often than this, however short its times to live are.
constexpr Millis kShortestReview{1000};

// Who answers for what `peer` brings into being: "" for the server.
std::string client_of(const Peer* peer) {
  if (peer == nullptr) return {};
  if (!peer->user.empty()) return "u" + peer->user;
  const ClientAddress address = ClientAddress::parse(peer->remote).value_or(ClientAddress());
  return "@" + std::to_string(address.key());
}

Error full(std::string_view what) {
  Error error = make_error(error_code::kTooManyRequests);
  error.message.append(": ").append(what);
  return error;
}

}  // namespace

ChannelTable::ChannelTable(ChannelContext& context, const Namespaces& namespaces, ChannelLimits limits)
    : context_(context), namespaces_(namespaces), limits_(limits), counts_(namespaces.count()) {
  context_.idle = [this](Channel& channel) { release(channel); };
}

ChannelTable::~ChannelTable() {
  channels_.for_each([this](const auto& entry) { context_.lane.cancel_timer(entry.value->review_timer_); });
}

std::shared_ptr<Channel> ChannelTable::find(std::string_view name) const {
  const auto* found = channels_.find(name);
  return found == nullptr ? nullptr : found->value;
}

std::shared_ptr<Channel> ChannelTable::make(std::string_view name, const ChannelOptions& options) {
  if (options.provided()) return std::make_shared<ProvidedChannel>(context_, std::string(name), options);
  if (options.durable()) return std::make_shared<DurableChannel>(context_, std::string(name), options);
  return std::make_shared<MemoryChannel>(context_, std::string(name), options);
}

ChannelTable::Obtained ChannelTable::obtain(std::string_view name, const ChannelOptions& options,
                                            const Peer* peer) {
  if (std::shared_ptr<Channel> known = find(name)) return {std::move(known), {}};
  std::atomic<uint64_t>& count = counts_[options.number];
  if (count.load(std::memory_order_relaxed) >= limits_.of_namespace)
    return {nullptr, full("the namespace is full (broker.channels_per_lane)")};
  std::string client = client_of(peer);
  if (!client.empty()) {
    size_t& brought = clients_.try_emplace(client).first->value;
    if (brought >= limits_.of_client)
      return {nullptr, full("this client brought too many channels into being (broker.channels_per_client)")};
    ++brought;
  }
  count.fetch_add(1, std::memory_order_relaxed);
  std::shared_ptr<Channel> channel = make(name, options);
  channel->client_ = std::move(client);
  channels_.try_emplace(name, channel);
  return {std::move(channel), {}};
}

std::shared_ptr<Channel> ChannelTable::glance(std::string_view name, const ChannelOptions& options) {
  std::shared_ptr<Channel> known = find(name);
  return known != nullptr ? known : make(name, options);
}

void ChannelTable::erase(Channel& channel) {
  const auto* found = channels_.find(channel.name());
  if (found == nullptr || found->value.get() != &channel) return;
  if (!channel.client_.empty() && --clients_.find(channel.client_)->value == 0)
    clients_.erase(channel.client_);
  counts_[channel.options().number].fetch_sub(1, std::memory_order_relaxed);
  channels_.erase(channel.name());
}

void ChannelTable::release(Channel& channel) {
  if (channel.busy()) return;
  const MonoTime now = context_.lane.now();
  const std::optional<MonoTime> next = channel.maintain(now);
  if (!next) {
    context_.lane.cancel_timer(std::exchange(channel.review_timer_, 0));
    channel.retire(now);
    return erase(channel);
  }
  // One that stands is early at worst. One that was made to read is not here, and goes by itself.
  if (*next == kNever || channel.review_timer_ != 0 || find(channel.name()).get() != &channel) return;
  const auto wait = std::max(kShortestReview, std::chrono::ceil<Millis>(*next - now));
  channel.review_timer_ = context_.lane.start_timer(wait, [this, &channel] {
    channel.review_timer_ = 0;
    release(channel);
  });
}

}  // namespace lcg::broker
