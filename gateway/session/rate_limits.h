// Rate limits: how many commands of each operation a connection, a user and an address may give.
//
// A limit is a GCRA (ITU-T I.371, "virtual scheduling"): one number, the time at which the bucket will be empty again.
// A connection's numbers are its lane's. Those of a user and of an address are shared by all lanes of the node: they are
// atomic, found once (at connect, when the connection is accepted) in a registry that is locked only then, and changed by a
// compare-and-swap afterwards, so that a command takes no lock.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/client_address.h"
#include "base/clock.h"
#include "base/growing_map.h"
#include "gateway/protocol/command.h"

namespace lcg::gateway {

struct RateLimit {
  double per_second = 0;  // 0: no limit
  double burst = 1;       // at once
};

class Gcra {
 public:
  Gcra() = default;  // no limit
  explicit Gcra(const RateLimit& limit);
  // `empty_at`: 0 in the beginning. False: over the limit, nothing is taken.
  bool take(int64_t& empty_at, MonoTime now) const;
  bool take(std::atomic<int64_t>& empty_at, MonoTime now) const;
  // Takes what is known only afterwards, however much; what is over the limit then is paid back by waiting.
  void charge(int64_t& empty_at, MonoTime now, size_t units) const;
  // Is more taken than the burst?
  bool in_debt(int64_t empty_at, MonoTime now) const { return empty_at - now.ns > slack_ns_; }

 private:
  std::optional<int64_t> next(int64_t empty_at, MonoTime now) const;
  int64_t interval_ns_ = 0, slack_ns_ = 0;
};

inline constexpr size_t kMethods = 13;  // of protocol::Method
// The limits of one scope as they are configured.
struct RateTable {
  RateLimit all;                                 // every command
  std::array<RateLimit, kMethods> operations{};  // by protocol::Method
};
// The names of the configuration: "subscribe", "presence_stats"; "" for what cannot be limited.
std::string_view operation_name(protocol::Method method);

// The limits of one scope as they are applied. Immutable.
class RateRules {
 public:
  explicit RateRules(const RateTable& table);
  // How many numbers take() wants: 0 if nothing is limited, 1 if only `all` is.
  size_t numbers() const { return buckets_.size(); }
  // False: over a limit. What one limit refuses may have been counted by the other.
  template <class Number>
  bool take(protocol::Method method, std::span<Number> numbers, MonoTime now) const {
    if (buckets_.empty()) return true;
    if (!buckets_[0].take(numbers[0], now)) return false;
    const uint8_t own = of_method_[static_cast<size_t>(method)];
    return own == 0 || buckets_[own].take(numbers[own], now);
  }

 private:
  std::vector<Gcra> buckets_;  // [0] is `all`
  std::array<uint8_t, kMethods> of_method_{};
};

// The numbers of one user or address.
using SharedNumbers = std::vector<std::atomic<int64_t>>;
using SharedNumbersPtr = std::shared_ptr<SharedNumbers>;

// The users and addresses of one node. Any thread.
class SharedRates {
 public:
  SharedRates(const RateTable& user, const RateTable& address) : user_rules_(user), address_rules_(address) {}

  const RateRules& user_rules() const { return user_rules_; }
  const RateRules& address_rules() const { return address_rules_; }
  static constexpr size_t kSwept = 16;  // entries, and buckets of the table

  // Null where nothing is limited, and for the anonymous, who are not one.
  SharedNumbersPtr user(std::string_view id, MonoTime now);
  // Those of its key. Addresses that are not known share one.
  SharedNumbersPtr address(const ClientAddress& remote, MonoTime now);

 private:
  // What nobody holds and what has drained is dropped. Other lanes wait for the mutex: each new one looks at kSwept of
  // those there are, in turn, so what can go has gone before the table has grown by a quarter.
  struct Shard {
    std::mutex mutex;
    GrowingMap<std::string, SharedNumbersPtr> numbers;
    uint64_t swept = 0;  // GrowingMap::walk
  };
  using Shards = std::array<Shard, 16>;
  static SharedNumbersPtr find(Shards& shards, std::string_view key, size_t numbers, MonoTime now);
  static void sweep(Shard& shard, MonoTime now);

  const RateRules user_rules_, address_rules_;
  Shards users_, addresses_;
};

}  // namespace lcg::gateway
