// ChannelTable: the channels of one lane by name; makes them when needed and drops them when nobody would
// miss them.
//
// A channel is here while it has a member, a publication that has not expired, or an event under way; what must be
// known of it later is PositionMemory's. Limits: channels of a namespace, so that one that is full refuses nothing in
// another, and channels that one client brought into being and that still exist, so that a client fills its own share
// alone. A client is a user on all its connections, or without a user an address (an IPv6 one up to its /64). What the
// server publishes to counts for the namespace. One lane, but for the counts.
#pragma once
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_map.h"
#include "broker/channel/channel.h"

namespace lcg::broker {

struct ChannelLimits {
  size_t of_namespace = 1'000'000;  // channels at a time
  size_t of_client = 8'192;         // channels at a time that it brought into being
};

class ChannelTable {
 public:
  // Null with an error: a limit is reached.
  struct Obtained {
    std::shared_ptr<Channel> channel;
    Error error;
  };

  // All arguments outlive the table.
  ChannelTable(ChannelContext& context, const Namespaces& namespaces, ChannelLimits limits);
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  std::shared_ptr<Channel> find(std::string_view name) const;

  // For `peer`, or for the server (null). REQUIRES: `options` are the namespace's for `name`.
  Obtained obtain(std::string_view name, const ChannelOptions& options, const Peer* peer);
  // To read: one that is not there is made, but not put here. REQUIRES: release() follows before another call.
  std::shared_ptr<Channel> glance(std::string_view name, const ChannelOptions& options);

  // After anything that may have left `channel` without use, or with something that expires.
  void release(Channel& channel);

  const Namespaces& namespaces() const { return namespaces_; }
  size_t size() const { return channels_.size(); }
  // What exists, of one namespace; and remembered of it, of channels that are gone. Any thread.
  uint64_t channels_of(uint32_t space) const { return counts_[space].load(std::memory_order_relaxed); }
  uint64_t positions_of(uint32_t space) const { return context_.positions.size(space); }

  // In steps: GrowingMap::walk. `visit` gets a Channel&.
  template <class Fn>
  uint64_t walk(uint64_t cursor, size_t steps, Fn&& visit) const {
    return channels_.walk(cursor, steps, [&](const auto& entry) { visit(*entry.value); });
  }

 private:
  std::shared_ptr<Channel> make(std::string_view name, const ChannelOptions& options);
  void erase(Channel& channel);

  ChannelContext& context_;
  const Namespaces& namespaces_;
  const ChannelLimits limits_;
  GrowingMap<std::string, std::shared_ptr<Channel>> channels_;
  GrowingMap<std::string, size_t> clients_;    // channels here that each brought into being
  std::vector<std::atomic<uint64_t>> counts_;  // channels here, by number of the namespace
};

}  // namespace lcg::broker
