// SPDX-License-Identifier: Apache-2.0
// MessageFeed: what is committed to dialogs, delivered from their own logs: the service "events"
// (lcg/services/events.hpp).
//
// A dialog that may grow has a mark in its slot's partition with the position up to which the back end has everything.
// Entries are read from the dialog when they are to be sent, never copied before, so a dialog's log is as durable
// here as there. A dialog without news for EventSettings::rest loses its mark when it agrees that nothing is on its
// way. Lane: the instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/slot_gate.hpp"
#include "lcg/sync.hpp"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

// Entries of several dialogs of a slot, in order within each.
struct EntryPage {
  struct Reached {
    std::string dialog;
    uint64_t position = 0;
    bool more = false;  // of this dialog
  };
  std::vector<std::string> events;  // JSON objects
  size_t bytes = 0;
  std::vector<Reached> reached;
};

class MessageFeed {
 public:
  MessageFeed(Host host, const EventSettings& settings);

  // `news(slot)`: there is something to deliver.
  void on_news(std::function<void(uint32_t)> news) { news_ = std::move(news); }

  void gained(uint32_t slot) {
    lost(slot);
    gate_.gained(slot);
  }
  void lost(uint32_t slot) {
    gate_.lost(slot);
    slots_.erase(slot);
  }

  // The methods of the service "events".
  Task<Reply> mark(std::string dialog, uint64_t head);
  Reply moved(const std::string& dialog);

  // As EventLog: one reader a slot, which acknowledges or puts back what it read.
  Task<Outcome<EntryPage>> next(uint32_t slot, size_t limit, size_t max_bytes);
  Task<lcg_status> acknowledge(uint32_t slot, EntryPage page);
  void put_back(uint32_t slot, const EntryPage& page);
  bool has_news(uint32_t slot) const;

  // Puts dialogs to rest. Call about once a second.
  void rest();

 private:
  struct Mark {
    uint64_t position = 0;
    bool stored = true;  // false: whether its document is there is unknown
    bool news = false;   // in Slot::news
    bool out = false;    // in a page that is not acknowledged
    bool again = false;  // out, and has news behind that page
    bool resting = false;
    int64_t quiet_since_ns = 0;
    int64_t missing_since_ns = 0;  // the dialog was not there; 0: it was
  };
  struct Slot {
    std::unordered_map<std::string, Mark> marks;
    std::deque<std::string> news;  // dialogs with entries to deliver
  };

  Task<lcg_status> read_slot(uint32_t slot);
  Mark* find(uint32_t slot, const std::string& dialog);
  void add_news(uint32_t slot, const std::string& dialog, Mark& mark, bool first);
  Task<> rest_one(uint32_t slot, std::string dialog);
  static std::string to_json(const std::string& dialog, const dialog::FeedEntry& entry);

  Host host_;
  const EventSettings& settings_;
  storage::Client store_;
  dialog::Client dialogs_;
  SlotGate gate_;
  std::function<void(uint32_t)> news_;
  KeyedLock<> locks_;  // a dialog's mark is made or taken away by one at a time
  std::unordered_map<uint32_t, Slot> slots_;
};

}  // namespace lcg::http_callback
