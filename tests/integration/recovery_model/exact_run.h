// ExactRun: one seed of the channel alone, against an exact model of its history.
//
// The broker's lane is real; each client is its own gateway, which merges by offset as the gateway does and may lose
// deliveries. Every step is carried to its end before the next one, so the model knows what each answer has to be:
// whether recovery succeeds, and with which publications.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "broker/broker_lane.h"
#include "broker/bus/bus_local.h"
#include "broker/testing/fake_plugin_host.h"
#include "tests/integration/recovery_model/follower.h"
#include "tests/integration/recovery_model/publisher.h"

namespace lcg::recovery_model {

// What a run is made to do wrong, to show that it is found.
enum class Mutation { kNone, kDrops, kRepeats, kSwaps, kOldBase, kClaimsRecovery, kForgetsRecovery };

struct Facts {
  uint64_t published = 0, taken = 0, patched = 0, recovered = 0, lost = 0, restarts = 0;
  void add(const Facts& other);
};

class ExactRun {
 public:
  explicit ExactRun(uint64_t seed, Mutation mutation = Mutation::kNone);
  ~ExactRun();
  // What went wrong.
  std::vector<std::string> run();
  const Facts& facts() const { return facts_; }

 private:
  // What the history of the channel is by its rules, and nothing else.
  struct History {
    uint64_t top = 0;
    std::string epoch;  // "" not known yet
    std::deque<uint64_t> kept;
    MonoTime last_append, last_use;
  };
  struct Life;  // of the process
  class Client;

  uint64_t below(uint64_t bound) { return random_.next() % bound; }
  bool is_cached() const { return options_.recovery_mode == broker::RecoveryMode::kCache; }
  bool once(Mutation mutation);
  MonoTime now();
  void expire();
  void use(const std::string& epoch);
  void restart();
  void publish();
  void publish_twice();
  void read_history();
  void remove_history();
  void subscribe(Client& client);
  void check_answer(Client& client, bool asked, const StreamPosition& since, const SubscribeResponse& answer);
  void leave(Client& client);
  void settle();
  void act();
  template <class R>
  typename R::Answer get(R request);

  SimRandom random_;
  const uint64_t seed_;
  const Mutation mutation_;
  bool mutated_ = false;
  broker::ChannelOptions options_;
  const unsigned loss_percent_;
  std::unique_ptr<Life> life_;
  std::vector<std::unique_ptr<Client>> clients_;
  Publisher publisher_;
  History history_;
  Truth truth_;
  Facts facts_;
  std::vector<std::string> wrong_;
};

}  // namespace lcg::recovery_model
