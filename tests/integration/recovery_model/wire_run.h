// WireRun: one seed through everything: clients that behave as SDKs, the real gateway on two lanes, the real broker on
// a third, deliveries that get lost between the two, connections that break, restarts. Everything is under way at
// once, so the model says what must not be: a gap that was not told, a repeat, another text, a recovery that was
// refused though the history held all of it, and at the end a client that does not have everything.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/recovery_model/exact_run.h"
#include "tests/integration/recovery_model/wire_client.h"

namespace lcg::recovery_model {

class WireRun {
 public:
  explicit WireRun(uint64_t seed, WireMutation mutation = WireMutation::kNone);
  ~WireRun();
  std::vector<std::string> run();
  const Facts& facts() const { return facts_; }

 private:
  struct Life;

  uint64_t below(uint64_t bound) { return random_.next() % bound; }
  void restart();
  void publish();
  void connect(WireClient& client);
  void mischief();
  void advance();
  void tick();
  void settle();

  SimRandom random_;
  const uint64_t seed_;
  broker::ChannelOptions options_;
  const unsigned loss_percent_;
  std::vector<std::unique_ptr<WireClient>> clients_;
  Publisher publisher_;
  Truth truth_;
  Facts facts_;
  std::vector<std::string> wrong_;
  std::unique_ptr<Life> life_;
};

}  // namespace lcg::recovery_model
