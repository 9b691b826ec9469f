// Channel names and the namespaces that give channels their options.
//
// A name: "$chat:room#42,56" is private ("$"), of namespace "chat" (up to the first ":"), limited to the
// users 42 and 56 (after the last "#"), if the namespace has user-limited channels. A name without ":" has the options of `without_namespace`. Source:
// client-protocol 1.12.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/api/types.h"
#include "broker/channel/channel_pattern.h"

namespace lcg::broker {

inline constexpr size_t kMaxChannelLength = 255;  // bytes; client-protocol 1.8
// Of what a provider keeps more is recovered than of memory: up to so many publications, and bytes by default.
inline constexpr uint32_t kProvidedRecovery = 1000;
inline constexpr size_t kProvidedRecoveryBytes = 8u << 20;
inline constexpr size_t kMostRecoveryBytes = 64u << 20;

// Who may do a thing in a channel. An anonymous connection needs for_anonymous on top of either of the
// others.
struct Permission {
  bool for_client = false;      // any connection
  bool for_subscriber = false;  // one that is subscribed to the channel
  bool for_anonymous = false;
  bool allows(const Peer& peer, bool subscribed) const {
    return (for_client || (for_subscriber && subscribed)) && (for_anonymous || !peer.user.empty());
  }
};

// What a client that comes back is sent: all it missed, or the latest publication alone.
enum class RecoveryMode : uint8_t { kStream, kCache };

// Where a namespace without a provider keeps its history: in a ring of the process, or in the store, where it outlives it.
enum class HistoryPlace : uint8_t { kMemory, kDurable };

// What may be published.
enum class DataFormat : uint8_t {
  kAny,         // JSON, or bytes from who does not speak JSON; not empty
  kJson,        // JSON alone
  kJsonObject,  // and an object
  kBinary       // any bytes, and none
};

// What docs/channels.md says of a namespace. Defaults are those of the reference server, but where they could let
// somebody in.
struct ChannelOptions {
  std::string name;                 // of the namespace; "" is without_namespace
  uint32_t number = 0;              // set by Namespaces: without_namespace is 0, the others follow
  std::string provider = "memory";  // or NAME: the plugin service "channel:NAME"

  HistoryPlace history = HistoryPlace::kMemory;
  uint32_t history_size = 0;                                  // publications; 0 keeps none
  Millis history_ttl{0};                                      // since the last publication; 0 keeps none
  Millis history_meta_ttl = std::chrono::hours(720);          // of offset and epoch, since the last use
  bool keep_latest_publication = false;                       // for deltas, without a history
  bool presence = false, join_leave = false;                  // keep it; announce it
  bool force_push_join_leave = false;                         // every subscriber is told
  bool force_positioning = false, allow_positioning = false;  // gaps are noticed
  bool force_recovery = false, allow_recovery = false;        // and filled on return
  RecoveryMode recovery_mode = RecoveryMode::kStream;
  // Bytes of data that one recovery gives, over by one publication at most; more is not recovered. Of what a provider
  // keeps, kProvidedRecoveryBytes where nothing is said.
  size_t recovery_bytes = 1u << 20;
  bool auto_cache_recover = false;  // also to who comes for the first time
  bool allow_fossil = false;        // subscribers may ask for deltas
  bool delta_publish = false;       // every publication is made a delta of, not only on request
  bool allow_tags_filter = false;
  bool allow_user_limited_channels = false;
  bool compaction = false;  // the gateway may use numbers for names
  Millis batch_delay{0};    // publications may wait as long to leave together
  DataFormat data_format = DataFormat::kAny;
  ChannelPatternPtr pattern = nullptr;  // of the part after "name:"; null: printable ASCII
  Permission subscribe, publish, presence_read, history_read;  // subscribe: for_subscriber is meaningless
  // The back end that is asked, by its name; "": none is.
  std::string subscribe_route, publish_route, sub_refresh_route;
  bool personal = false;  // "#<user>" is somebody's own channel: of the namespace that has them, and of none
  bool insecure = false;  // of the whole broker: what nobody forbids explicitly is allowed

  bool provided() const { return provider != "memory"; }
  bool durable() const { return history == HistoryPlace::kDurable; }
  bool keeps_history() const { return history_size > 0 && history_ttl.count() > 0; }
  // Publications have offsets.
  bool keeps_stream() const { return keeps_history() || keep_latest_publication; }
};

// Borrows from the channel it was made of.
struct ChannelName {
  explicit ChannelName(std::string_view channel);
  // Is `user` one of those after "#"? Never true for an anonymous user.
  bool lists(std::string_view user) const;
  // Does its "#" mean anything in this namespace?
  bool limited_in(const ChannelOptions& options) const {
    return has_users && (options.allow_user_limited_channels || (options.personal && rest.front() == '#'));
  }

  bool is_private = false, has_namespace = false, has_users = false;
  std::string_view space, rest, users;
};

// Immutable; shared by every lane of the node.
class Namespaces {
 public:
  // REQUIRES: names unique, non-empty, checked by valid_name().
  Namespaces(ChannelOptions without_namespace, std::vector<ChannelOptions> list);

  struct Found {
    const ChannelOptions* options = nullptr;
    uint32_t error = 0;  // kBadRequest: not a name, or not of this namespace; kUnknownChannel: no such
                         // namespace; kPermissionDenied: "$" before a provided one
  };
  Found find(std::string_view channel) const;

  // Of namespaces, without_namespace included: their numbers are below it.
  size_t count() const { return by_name_.size() + 1; }
  // By number.
  std::vector<std::string_view> names() const;

  // Does a plugin provide the channel? False for a name that find() refuses.
  bool provided(std::string_view channel) const;
  // The partition key that every part of the system routes the channel by.
  std::string_view key_of(std::string_view channel) const;

  // [A-Za-z0-9_-]{1,64}
  static bool valid_name(std::string_view name);

 private:
  ChannelOptions without_;
  std::map<std::string, ChannelOptions, std::less<>> by_name_;
};

}  // namespace lcg::broker
