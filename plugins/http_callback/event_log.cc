// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/event_log.h"

#include <algorithm>
#include <utility>

#include "lcg/services/storage_pages.hpp"

namespace lcg::http_callback {
namespace {

constexpr size_t kBatchEvents = 256;    // of one write; each is at most two operations
constexpr size_t kMaxWaiting = 10'000;  // of one slot, not written yet; more beginnings are refused
constexpr uint32_t kLeftovers = 400;    // ended by one write
constexpr size_t kTrimEvents = 1000;    // given up by one write
constexpr uint32_t kRetryMs = 200;      // after a write that was refused, or is unknown

bool outcome_unknown(lcg_status status) {
  return status == LCG_E_TIMEOUT || status == LCG_E_INTERNAL || status == LCG_E_CANCELLED;
}

}  // namespace

std::string partition_of(uint32_t slot) { return "@" + std::to_string(slot); }

EventLog::EventLog(Host host, const EventSettings& settings)
    : host_(host),
      settings_(settings),
      store_(host),
      gate_(host, [this](uint32_t slot) { return read_slot(slot); }) {}

EventLog::SlotPtr EventLog::slot(uint32_t number) {
  SlotPtr& state = slots_[number];
  if (!state) state = std::make_shared<Slot>();
  return state;
}

void EventLog::gained(uint32_t number) {
  lost(number);
  gate_.gained(number);
}

void EventLog::lost(uint32_t number) {
  gate_.lost(number);
  const auto it = slots_.find(number);
  if (it == slots_.end()) return;
  it->second->gone = true;
  if (!it->second->writing) settle(*it->second, it->second->waiting.size(), LCG_E_BUSY);
  slots_.erase(it);
}

// --- the slot as a crash left it -----------------------------------------------------------------

Task<lcg_status> EventLog::read_slot(uint32_t number) {
  const SlotPtr state = slot(number);
  Reply cursor = co_await store_.get(partition_of(number), kCursorDocs, kCursorKey);
  if (cursor.ok()) {
    if (!decode(cursor.data, state->cursor)) co_return LCG_E_INTERNAL;
  } else if (cursor.status != LCG_E_NOT_FOUND) {
    co_return cursor.status;
  }
  Outcome<storage::ScanRows> last = co_await store_.scan(partition_of(number), {kEventDocs, "", "", 1, true});
  if (!last.ok()) co_return last.status;
  uint64_t highest = state->cursor.delivered;
  if (!last.value.rows.empty()) highest = std::max(highest, storage::u64_of_key(last.value.rows.front().key));
  state->next = highest + 1;
  const lcg_status ended = co_await end_leftovers(number, state);
  if (ended == LCG_OK && state->next > state->cursor.delivered + 1) news_(number);
  co_return ended;
}

Task<lcg_status> EventLog::end_leftovers(uint32_t number, SlotPtr state) {
  storage::Pages pages(host_, partition_of(number), {kLiveDocs, "", ""}, {.rows = kLeftovers});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok()) co_return rows.status;
    if (rows.value.empty()) break;
    storage::Batch batch;
    uint64_t sequence = state->next;
    for (storage::Row& row : rows.value) {
      EventDoc begun;
      if (decode(row.value, begun))
        batch.put(kEventDocs, storage::key_u64(sequence++),
                  encode(end_of(std::move(begun), host_.wall_ms())));
      batch.erase(kLiveDocs, std::move(row.key));
    }
    Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
    if (!stored.ok()) co_return stored.status;
    state->next = sequence;
  }
  co_return LCG_OK;
}

// --- writing -------------------------------------------------------------------------------------

Task<lcg_status> EventLog::append(uint32_t number, EventDoc doc) {
  const SlotPtr state = slot(number);
  if (state->waiting.size() >= kMaxWaiting && begins(doc.kind)) co_return LCG_E_BUSY;
  auto outcome = std::make_shared<Future<lcg_status>>();
  state->waiting.push_back({std::move(doc), outcome});
  if (!state->writing) {
    state->writing = true;
    if (!host_.spawn(write(number, state))) {
      state->writing = false;
      settle(*state, state->waiting.size(), LCG_E_BUSY);
    }
  }
  co_await outcome->wait();
  co_return outcome->get();
}

storage::Batch EventLog::batch_of(const Slot& state, size_t count) const {
  storage::Batch batch;
  for (size_t i = 0; i < count; ++i) {
    const EventDoc& doc = state.waiting[i].doc;
    const std::string value = encode(doc);
    batch.put(kEventDocs, storage::key_u64(state.next + i), value);
    if (begins(doc.kind)) {
      batch.put(kLiveDocs, live_key(doc), value);
    } else {
      batch.erase(kLiveDocs, live_key(doc));
    }
  }
  return batch;
}

void EventLog::settle(Slot& state, size_t count, lcg_status status) {
  for (; count > 0; --count) {
    const std::shared_ptr<Future<lcg_status>> outcome = std::move(state.waiting.front().outcome);
    state.waiting.pop_front();
    outcome->set(status);
  }
}

// Whoever waits is told; ends stay, in order.
void EventLog::refuse(Slot& state, size_t count) {
  std::deque<Item> kept;
  for (size_t i = 0; i < count; ++i) {
    Item item = std::move(state.waiting.front());
    state.waiting.pop_front();
    if (begins(item.doc.kind)) {
      item.outcome->set(LCG_E_BUSY);
    } else {
      kept.push_back(std::move(item));
    }
  }
  for (; !kept.empty(); kept.pop_back()) state.waiting.push_front(std::move(kept.back()));
}

Task<> EventLog::write(uint32_t number, SlotPtr state) {
  co_await host_.yield();  // what this turn brings goes with it
  bool again = false;      // the same batch as before
  size_t count = 0;
  while (!state->gone && !state->waiting.empty()) {
    lcg_status status = co_await gate_.ready(number);
    if (!again) count = std::min(state->waiting.size(), kBatchEvents);
    if (status == LCG_OK && !state->gone) {
      storage::Batch batch = batch_of(*state, count);
      Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
      status = stored.status;
      again = outcome_unknown(status);
    }
    if (state->gone) break;
    if (status == LCG_OK) {
      state->next += count;
      settle(*state, count, LCG_OK);
      news_(number);
      if (over_limit(*state)) co_await trim(number, state);
      continue;
    }
    if (!again) refuse(*state, count);
    host_.warn("events are not stored slot=" + std::to_string(number) + " status=" + std::to_string(status) +
               (again ? ": written again" : ": beginnings are refused, ends are kept"));
    const lcg_status slept = co_await host_.sleep(kRetryMs);
    // What is left has its documents: the next start ends it.
    if (slept != LCG_OK) break;
  }
  state->writing = false;
  settle(*state, state->waiting.size(), LCG_E_BUSY);
}

// --- reading -------------------------------------------------------------------------------------

Task<Outcome<EventPage>> EventLog::next(uint32_t number, size_t limit, size_t max_bytes) {
  Outcome<EventPage> out;
  out.status = co_await gate_.ready(number);
  if (!out.ok()) co_return out;
  const SlotPtr state = slot(number);
  EventPage& page = out.value;
  page.from = state->cursor.delivered + 1;
  page.to = state->cursor.delivered;
  page.dropped = state->cursor.dropped;
  if (state->next == page.from) co_return out;
  Outcome<storage::ScanRows> rows = co_await store_.scan(
      partition_of(number), {kEventDocs, storage::key_u64(page.from), storage::key_u64(state->next),
                             static_cast<uint32_t>(std::min(limit, storage::kMaxScanRows)), false});
  if (!rows.ok()) co_return {rows.status, rows.message, {}};
  const int64_t oldest_ms = host_.wall_ms() - settings_.retain_time.count();
  for (const storage::Row& row : rows.value.rows) {
    if (page.bytes >= max_bytes) break;
    EventDoc doc;
    page.to = storage::u64_of_key(row.key);
    if (!decode(row.value, doc) || doc.time_ms < oldest_ms) {
      ++page.expired;
      continue;
    }
    page.events.push_back(to_json(doc, number, page.to));
    page.bytes += page.events.back().size();
  }
  page.dropped += page.expired;
  page.more = page.to + 1 < state->next;
  co_return out;
}

Task<lcg_status> EventLog::acknowledge(uint32_t number, EventPage page) {
  const SlotPtr state = slot(number);
  const auto turn = co_await state->cursor_lock.acquire();
  if (page.expired != 0)
    host_.error("events are given up slot=" + std::to_string(number) +
                " count=" + std::to_string(page.expired) + ": older than events.retain_time");
  EventCursor after = state->cursor;
  after.delivered = std::max(after.delivered, page.to);
  after.dropped += page.expired;
  after.dropped -= std::min(after.dropped, page.dropped);
  storage::Batch batch;
  batch.durable = false;  // lost with the power, it comes to the same events again, under the same ids
  batch.put(kCursorDocs, kCursorKey, encode(after));
  for (uint64_t sequence = page.from; sequence <= page.to; ++sequence)
    batch.erase(kEventDocs, storage::key_u64(sequence));
  Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
  if (stored.ok()) state->cursor = after;
  co_return stored.status;
}

// With some room, so that it is not done for each event.
bool EventLog::over_limit(const Slot& state) const {
  const uint64_t waiting = state.next - state.cursor.delivered - 1;
  return waiting > settings_.retain_events + settings_.retain_events / 8;
}

Task<> EventLog::trim(uint32_t number, SlotPtr state) {
  const auto turn = co_await state->cursor_lock.acquire();
  while (!state->gone && state->next - state->cursor.delivered - 1 > settings_.retain_events) {
    const uint64_t excess = state->next - state->cursor.delivered - 1 - settings_.retain_events;
    EventCursor after = state->cursor;
    after.delivered += std::min<uint64_t>(excess, kTrimEvents);
    const uint64_t count = after.delivered - state->cursor.delivered;
    after.dropped += count;
    storage::Batch batch;
    batch.durable = false;
    batch.put(kCursorDocs, kCursorKey, encode(after));
    for (uint64_t sequence = state->cursor.delivered + 1; sequence <= after.delivered; ++sequence)
      batch.erase(kEventDocs, storage::key_u64(sequence));
    Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
    if (!stored.ok()) co_return;
    state->cursor = after;
    host_.error("events are given up slot=" + std::to_string(number) + " count=" + std::to_string(count) +
                ": more than events.retain_events wait for the back end");
  }
}

}  // namespace lcg::http_callback
