// SPDX-License-Identifier: Apache-2.0
// EventPump: takes what the slots have to tell to the back end, again and again until it says 200.
//
//   POST <endpoint>   {"events":[...],"dropped":n}
//
// A batch holds the oldest events of one or more slots; a slot is in one batch at a time, and what it tells next goes
// only after that one was taken, so events of one key arrive in order. A batch that is not taken is sent again, with
// backoff and jitter, for ever. While the back end cannot be reached one batch at a time asks for it. A batch that it
// refuses (status 4xx) is cut into its slots, and those into their events, until only what it refuses waits.
// Lane: the instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "lcg/host.hpp"
#include "plugins/http_callback/event_log.h"
#include "plugins/http_callback/http.h"
#include "plugins/http_callback/message_feed.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

class EventPump {
 public:
  EventPump(Host host, Poster& poster, const Settings& settings, EventLog& log, MessageFeed& feed);

  // The slot has something to tell.
  void news(uint32_t slot);
  void lost(uint32_t slot) { slots_.erase(slot); }

 private:
  // What one slot gives to a batch.
  struct Share {
    uint32_t slot = 0;
    EventPage log;
    EntryPage entries;
    size_t count() const { return log.events.size() + entries.events.size(); }
  };
  struct Slot {
    bool queued = false, out = false, again = false;  // again: news while it was out
    uint32_t limit = 0;     // of events in a batch of its own, after a refusal; 0: none
    uint32_t refusals = 0;  // in a row
  };
  enum class Answer : uint8_t { kTaken, kRefused, kUnreachable, kStopping };

  void start_workers();
  Task<> work();
  Task<std::vector<Share>> gather();
  Task<bool> gather_slot(uint32_t slot, size_t limit, size_t max_bytes, Share* share);
  Task<Answer> post(std::string body);
  Task<> acknowledge(std::vector<Share> batch);
  void put_back(const std::vector<Share>& batch);
  void refused(std::vector<Share> batch);
  Task<> try_later(uint32_t slot, uint32_t delay_ms);
  void release(uint32_t slot, bool more);
  void report(const HttpResult& result);
  uint32_t backoff_ms(uint32_t failures) const;
  static std::string body_of(const std::vector<Share>& batch);

  Host host_;
  Poster& poster_;
  const EventSettings& settings_;
  const BackEndSettings* const back_end_;  // null: no events
  EventLog& log_;
  MessageFeed& feed_;
  std::unordered_map<uint32_t, Slot> slots_;
  std::deque<uint32_t> queue_;  // slots with news that are in no batch
  uint32_t workers_ = 0;
  uint32_t failures_ = 0;  // of reaching the back end, in a row
  int64_t reported_ns_ = 0;
};

}  // namespace lcg::http_callback
