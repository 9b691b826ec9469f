// ChannelTable: the channels of one lane by name; makes them when needed and drops them when nobody would
// miss them.
//
// A channel without members and without history goes at once; one with history when its position has expired
// (history_meta_ttl), looked at by one timer a channel. One lane.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broker/channel/channel.h"

namespace lcg::broker {

class ChannelTable {
 public:
  // At most `limit` channels at a time. All arguments outlive the table.
  ChannelTable(ChannelContext& context, const Namespaces& namespaces, size_t limit);
  ~ChannelTable();
  ChannelTable(const ChannelTable&) = delete;
  ChannelTable& operator=(const ChannelTable&) = delete;

  std::shared_ptr<Channel> find(std::string_view name) const;

  // Null: the limit is reached. REQUIRES: `options` are the namespace's for `name`.
  std::shared_ptr<Channel> obtain(std::string_view name, const ChannelOptions& options);

  // After anything that may have left `channel` without use, or with something that expires.
  void release(Channel& channel);

  const Namespaces& namespaces() const { return namespaces_; }
  size_t size() const { return channels_.size(); }

  // Walks until `visit` says false.
  template <class Fn>
  void for_each(Fn&& visit) const {
    for (const auto& [name, channel] : channels_)
      if (!visit(*channel)) return;
  }

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view name) const { return std::hash<std::string_view>{}(name); }
  };
  using Map = std::unordered_map<std::string, std::shared_ptr<Channel>, Hash, std::equal_to<>>;

  ChannelContext& context_;
  const Namespaces& namespaces_;
  const size_t limit_;
  Map channels_;
};

}  // namespace lcg::broker
