// WireClient: one connection of a stock SDK in a run through the whole gateway: JSON text in, JSON text out.
//
// It connects, subscribes with recovery, answers pings, comes back when it was closed and subscribes again when it is
// told to; what it takes goes to its Follower. It is polled: tick() reads, then does what is due.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tests/integration/recovery_model/follower.h"
#include "tests/integration/simulation/sim_connection.h"

namespace lcg::recovery_model {

// What a run is made to do wrong between server and client.
enum class WireMutation { kNone, kDrops, kRepeats };

class WireClient {
 public:
  struct Plan {
    std::string user, channel;
    std::string tag;         // filter; "": none
    bool delta = false;      // not with a filter
    bool positioned = true;  // recovers and is positioned
    bool cache_mode = false;
    // Publications a client may miss and still recover; 0: it depends on time as well.
    uint64_t recoverable = 0;
  };
  WireClient(Plan plan, SimRandom& random, WireMutation mutation);

  bool connected() const { return connection_ != nullptr; }
  bool subscribed() const { return subscribed_; }
  void connect(std::shared_ptr<sim::SimConnection> connection);
  // Reads and answers.
  void tick();
  // Leaves without a word.
  void drop();
  // The server is gone.
  void server_died();
  // Unsubscribes and subscribes again, in one breath.
  void subscribe_again();

  Follower& follower() { return follower_; }
  uint64_t recovered() const { return recovered_; }
  uint64_t lost() const { return lost_; }

 private:
  void reset();
  void subscribe();
  void on_line(std::string_view line);
  void on_push(std::string_view push);
  void on_subscribed(std::string_view result);
  void on_publication(std::string_view publication);
  std::optional<Sent> sent_of(std::string_view publication);
  bool once(WireMutation mutation);

  const Plan plan_;
  SimRandom& random_;
  const WireMutation mutation_;
  bool mutated_ = false;
  Follower follower_;
  std::shared_ptr<sim::SimConnection> connection_;
  uint32_t next_id_ = 1, subscribe_id_ = 0;
  bool subscribed_ = false, asked_ = false, delta_ = false;
  uint64_t recovered_ = 0, lost_ = 0;
};

}  // namespace lcg::recovery_model
