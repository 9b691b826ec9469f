// SPDX-License-Identifier: Apache-2.0
// Settler: the last step of every message's life, trying -> confirmed or cancelled, and the resolver that
// takes this step for messages whose sender did not get so far.
//
// The dialog's log is the authority; what is written here follows it. Settlements are written in batches per
// slot, not synced on their own: a crash leaves the message trying, and the resolver of the next owner
// settles it. An edit or a recall changes its target in the same batch. What is cancelled or recalled is written without
// its text. One writer per slot, so changes of
// one target are in order. Lane: the instance's.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/sync.hpp"
#include "lcg/timer.hpp"
#include "record.h"

namespace lcg::message {

struct SettlerLimits {
  std::chrono::milliseconds batch_delay{5};    // settlements wait this long for company
  std::chrono::milliseconds try_time{10'000};  // T_try: after this a message nobody confirmed is resolved
  std::chrono::milliseconds resolve_every{1'000};
};

class Settler {
 public:
  // `in_flight(key)`: a sender is at work on this key now, so the resolver leaves it alone.
  Settler(Host host, SettlerLimits limits, std::function<bool(const chat::Key&)> in_flight);

  void start();
  // `record` has its final status; it is written soon. Until then find() answers with it.
  void settle(Record record);
  // The outcome of this message is not known here: resolve it when it is older than T_try.
  void resolve_later(uint64_t id);
  // A settlement not written yet.
  std::optional<Record> find(uint64_t id) const;
  // A message from the store, or from here when it is newer. LCG_E_NOT_FOUND when there is none.
  Task<Outcome<Record>> load(uint64_t id) const;
  // What was settled of this message has been written, or could not be. False: the instance stops.
  Task<bool> written(uint64_t id);
  // Of a message that was cancelled: its key keeps no hash of what was sent, unless another has taken its place.
  Task<lcg_status> forget_hash(Record cancelled) const;
  void stop_waiting() { written_.pulse(); }
  // Writes what waits. For the end of the instance.
  Task<> flush();
  void lost(uint32_t slot);
  size_t unsettled() const { return unsettled_.size(); }

 private:
  struct Settled {
    Record record;
    uint64_t serial = 0;  // a record may be settled again while it is being written
  };
  struct Queue {
    std::deque<Settled> records;
    bool running = false;
  };
  Task<> drain(uint32_t slot);
  Task<> write_all(uint32_t slot);
  Task<lcg_status> write(uint32_t slot, std::vector<Record> records);
  Task<> resolve_due();
  // True when the message needs no more attention.
  Task<bool> resolve(uint64_t id);
  Task<bool> never_stored(uint64_t id);
  void set_due(uint64_t id, int64_t when_ns);
  void forget(uint64_t id);

  Host host_;
  storage::Client store_;
  dialog::Client dialogs_;
  const SettlerLimits limits_;
  const std::function<bool(const chat::Key&)> in_flight_;
  std::unordered_map<uint32_t, Queue> queues_;       // by slot
  std::unordered_map<uint64_t, Settled> unwritten_;  // by id; the last of each
  uint64_t serial_ = 0;
  std::unordered_map<uint64_t, int64_t> unsettled_;  // id -> when due, on Host::now_ns
  std::set<std::pair<int64_t, uint64_t>> due_;       // the same, the next one first
  Event written_;                                    // a batch ended
  bool resolving_ = false;
  Timer timer_;
};

}  // namespace lcg::message
