// SPDX-License-Identifier: Apache-2.0
// EventLog: the events of each slot this instance owns, in the store until the back end has them.
//
// An event is durable before append() resolves; whatever is appended to a slot in one turn, or while the write before
// is under way, is one batch. In the batch that stores the beginning of something (a session, a subscription, an
// occupied channel) a document says that it exists; the batch of its end takes the document away. What the
// documents still say when a slot is gained was cut off by a crash: its end is written then, before anything new.
//
// What is not delivered is bounded: above EventSettings::retain_events the oldest are given up, loudly, and the back end
// is told how many. A batch whose outcome is unknown is written again as it is, so a number never stands for two events. Events that
// somebody waits for are refused when the store refuses; ends are kept and tried again. Lane: the instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/slot_gate.hpp"
#include "lcg/sync.hpp"
#include "plugins/http_callback/event_doc.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

// What a slot has to tell, oldest first.
struct EventPage {
  std::vector<std::string> events;  // JSON objects
  size_t bytes = 0;
  uint64_t from = 0,
           to = 0;       // the sequence numbers that are done with once they are delivered; to < from: none
  uint64_t expired = 0;  // of those, too old to be told
  uint64_t dropped = 0;  // given up since the back end was last told of it
  bool more = false;
};

class EventLog {
 public:
  EventLog(Host host, const EventSettings& settings);

  // `news(slot)`: there is something to deliver.
  void on_news(std::function<void(uint32_t)> news) { news_ = std::move(news); }

  void gained(uint32_t slot);
  void lost(uint32_t slot);
  // LCG_OK: it is durable, behind everything appended to the slot before. LCG_E_BUSY: it is not, and will not be.
  Task<lcg_status> append(uint32_t slot, EventDoc doc);

  // The next events of a slot. One reader a slot at a time, which acknowledges before it reads on.
  Task<Outcome<EventPage>> next(uint32_t slot, size_t limit, size_t max_bytes);
  // The back end has the page: forgets it.
  Task<lcg_status> acknowledge(uint32_t slot, EventPage page);
  // Waits until the slot's documents are read.
  Task<lcg_status> ready(uint32_t slot) { return gate_.ready(slot); }

 private:
  struct Item {
    EventDoc doc;
    std::shared_ptr<Future<lcg_status>> outcome;
  };
  struct Slot {
    uint64_t next = 1;  // sequence number
    EventCursor cursor;
    AsyncLock cursor_lock;  // held while the cursor is written
    std::deque<Item> waiting;
    bool writing = false, gone = false;
  };
  using SlotPtr = std::shared_ptr<Slot>;

  SlotPtr slot(uint32_t number);
  Task<lcg_status> read_slot(uint32_t slot);
  Task<lcg_status> end_leftovers(uint32_t slot, SlotPtr state);
  Task<> write(uint32_t slot, SlotPtr state);
  bool over_limit(const Slot& state) const;
  Task<> trim(uint32_t slot, SlotPtr state);
  storage::Batch batch_of(const Slot& state, size_t count) const;
  static void settle(Slot& state, size_t count, lcg_status status);
  static void refuse(Slot& state, size_t count);

  Host host_;
  const EventSettings& settings_;
  storage::Client store_;
  SlotGate gate_;
  std::function<void(uint32_t)> news_;
  std::unordered_map<uint32_t, SlotPtr> slots_;
};

// "@<slot>"
std::string partition_of(uint32_t slot);

}  // namespace lcg::http_callback
