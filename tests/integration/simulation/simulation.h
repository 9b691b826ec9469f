// Simulation: one seeded run of the whole appliance with its clients and its faults, from an empty store to
// rest.
//
// What may go wrong, all drawn from the seed: clients lose their connection at any moment, in the middle of a
// command too, and come back to another lane; they send twice and repeat; they stop reading; the disk is slow
// or refuses writes; the wall clock jumps; and the whole node dies at any step of any lane, while it starts
// too, with what the disk had not made stable. Then faults end, and the run goes on until everybody has
// everything.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/simulation/sim_client.h"

namespace lcg::sim {

// What happened, so that a test of the tests can tell that it did happen.
struct RunFacts {
  uint64_t crashes = 0, crashes_in_start = 0, lost_connections = 0, stalls = 0, collapses = 0, full_disks = 0,
           failed_starts = 0;
  uint64_t acks = 0, repeated_acks = 0, entries = 0, cancelled = 0;
  uint64_t fingerprint = 0;  // of the schedules of all lives
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed);
  // Runs to the end. The lines of violations(), none: all invariants hold.
  std::vector<std::string> run();
  // Before run(): the disk lies once the dialog is there. See SimStore::lie.
  void lying_disk() { lying_disk_ = true; }
  const RunFacts& facts() const { return facts_; }

 private:
  void make_clients();
  void boot();
  void advance();
  void mischief();
  void crash();
  void end_life();
  void restart();
  bool at_rest() const;
  Device read_all();
  void read_records();
  int64_t now_ms() const { return life_began_ms_ + (node_ != nullptr ? node_->age_ms() : 0); }

  const uint64_t seed_;
  SimRandom random_;
  SimStore store_;
  History history_;
  Surroundings around_;
  std::unique_ptr<SimNode> node_;
  std::vector<std::unique_ptr<SimClient>> clients_;
  RunFacts facts_;

  unsigned lanes_;
  uint64_t mischief_permille_;  // of the rounds in which something goes wrong
  uint64_t crashes_left_;
  unsigned slow_disk_percent_;
  uint64_t lives_ = 0;
  int64_t life_began_ms_ = 0;
  int64_t wall_skew_ms_ = 0;
  int64_t disk_full_until_ms_ = 0;
  bool lying_disk_ = false;
};

}  // namespace lcg::sim
