// SPDX-License-Identifier: Apache-2.0
#include "settler.h"

#include <algorithm>

#include "lcg/busy.hpp"

namespace lcg::message {

namespace {

constexpr size_t kMaxBatchRecords =
    128;  // each is up to 8 operations of storage::kMaxBatchOps, its target included
constexpr size_t kMaxResolutions = 256;  // in one round: the rest waits for the next

// What an edit or a recall does to the message it is about. False: this change, or a later one, was applied
// before.
bool apply(const Record& change, Record& target) {
  if (change.position.dseq <= target.changed_by) return false;
  target.changed_by = change.position.dseq;
  target.updated_ms = change.position.ts_ms;
  if (target.recalled) return false;
  if (change.kind == chat::Kind::kRecall) {
    target.recalled = true;
    target.erase_text();
  } else {
    target.edited = true;
    target.type = change.type;
    target.body = change.body;
    target.body_bytes = change.body_bytes;
  }
  return true;
}

// Of a record whose text is to go: its body, and the hash of what was sent. The key of a message that is in the log points
// to it for ever; that of one that was cancelled may be another's by now.
void put_erased(storage::Batch& batch, const Record& r) {
  batch.erase(kBodies, storage::key_u64(r.id));
  if (r.recalled && r.numbered) batch.put(kKeys, storage_key(r.key), encode(KeyEntry{r.id, {}}));
}

bool changes_target(const Record& r) {
  return r.status == Status::kConfirmed && (r.kind == chat::Kind::kEdit || r.kind == chat::Kind::kRecall);
}

}  // namespace

Settler::Settler(Host host, SettlerLimits limits, std::function<bool(const chat::Key&)> in_flight)
    : host_(host),
      store_(host),
      dialogs_(host),
      limits_(limits),
      in_flight_(std::move(in_flight)),
      timer_(host) {}

void Settler::start() {
  timer_.every(limits_.resolve_every, [this] {
    if (!resolving_ && !unsettled_.empty()) host_.spawn(resolve_due());
  });
}

void Settler::settle(Record record) {
  const uint32_t slot = slot_of_id(record.id);
  if (record.erased()) record.erase_text();
  forget(record.id);
  Settled settled{std::move(record), ++serial_};
  unwritten_.insert_or_assign(settled.record.id, settled);
  Queue& queue = queues_[slot];
  queue.records.push_back(std::move(settled));
  if (queue.running) return;
  queue.running = true;
  if (!host_.spawn(drain(slot))) queue.running = false;
}

void Settler::resolve_later(uint64_t id) {
  // Its age by the wall clock, the rest of the wait by the monotonic one: a jump of the former delays
  // nothing.
  const int64_t try_ms = limits_.try_time.count();
  const int64_t age_ms = std::clamp<int64_t>(host_.wall_ms() - ms_of_id(id), 0, try_ms);
  if (!unsettled_.contains(id)) set_due(id, host_.now_ns() + (try_ms - age_ms) * 1'000'000);
}

void Settler::set_due(uint64_t id, int64_t when_ns) {
  forget(id);
  unsettled_.emplace(id, when_ns);
  due_.emplace(when_ns, id);
}

void Settler::forget(uint64_t id) {
  const auto it = unsettled_.find(id);
  if (it == unsettled_.end()) return;
  due_.erase({it->second, id});
  unsettled_.erase(it);
}

std::optional<Record> Settler::find(uint64_t id) const {
  const auto it = unwritten_.find(id);
  if (it == unwritten_.end()) return std::nullopt;
  return it->second.record;
}

Task<Outcome<Record>> Settler::load(uint64_t id) const {
  Outcome<Record> out;
  if (std::optional<Record> newer = find(id)) {
    out.value = *std::move(newer);
    co_return out;
  }
  Reply reply = co_await store_.get(partition_of_slot(slot_of_id(id)), kRecords, storage::key_u64(id));
  if (std::optional<Record> newer = find(id)) {
    out.value = *std::move(newer);
    co_return out;
  }
  out.status = reply.status;
  out.message = std::move(reply.message);
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

void Settler::lost(uint32_t slot) {
  if (const auto it = queues_.find(slot); it != queues_.end()) it->second.records.clear();
  std::erase_if(unwritten_, [slot](const auto& item) { return slot_of_id(item.first) == slot; });
  std::erase_if(unsettled_, [slot](const auto& item) { return slot_of_id(item.first) == slot; });
  std::erase_if(due_, [slot](const auto& item) { return slot_of_id(item.second) == slot; });
  written_.pulse();
}

Task<> Settler::flush() {
  std::vector<uint32_t> slots;
  slots.reserve(queues_.size());
  for (const auto& [slot, queue] : queues_) slots.push_back(slot);
  for (const uint32_t slot : slots) co_await write_all(slot);
}

Task<> Settler::drain(uint32_t slot) {
  co_await host_.sleep(limits_.batch_delay);  // at stop it returns at once
  co_await write_all(slot);
  queues_.erase(slot);
}

Task<> Settler::write_all(uint32_t slot) {
  for (;;) {
    std::deque<Settled>& waiting = queues_[slot].records;
    if (waiting.empty()) break;
    std::vector<Record> records;
    std::vector<std::pair<uint64_t, uint64_t>> written;  // id, serial
    while (!waiting.empty() && records.size() < kMaxBatchRecords) {
      written.emplace_back(waiting.front().record.id, waiting.front().serial);
      records.push_back(std::move(waiting.front().record));
      waiting.pop_front();
    }
    const lcg_status status = co_await write(slot, std::move(records));
    for (const auto& [id, serial] : written) {
      const auto it = unwritten_.find(id);
      if (it != unwritten_.end() && it->second.serial == serial) unwritten_.erase(it);
      // The record still says trying; the log knows better, and the resolver asks it.
      if (status != LCG_OK) resolve_later(id);
    }
    written_.pulse();
  }
}

Task<bool> Settler::written(uint64_t id) {
  while (unwritten_.contains(id) && !host_.stopping()) co_await written_.wait();
  co_return !unwritten_.contains(id);
}

Task<lcg_status> Settler::write(uint32_t slot, std::vector<Record> records) {
  storage::Batch batch;
  batch.durable = false;
  std::unordered_map<uint64_t, Record> targets;
  for (const Record& r : records) {
    if (!changes_target(r)) continue;
    if (!targets.contains(r.target)) {
      Outcome<Record> target = co_await load(r.target);
      if (target.status == LCG_E_NOT_FOUND) continue;
      if (!target.ok()) co_return target.status;
      targets.emplace(r.target, std::move(target.value));
    }
    if (!apply(r, targets.at(r.target))) continue;
    if (!r.inline_body()) {
      Reply body = co_await store_.get(partition_of_slot(slot), kBodies, storage::key_u64(r.id));
      if (!body.ok()) co_return body.status;
      batch.put(kBodies, storage::key_u64(r.target), std::move(body.data));
    } else {
      batch.erase(kBodies, storage::key_u64(r.target));
    }
  }
  for (const Record& r : records) {
    if (!targets.contains(r.id)) batch.put(kRecords, storage::key_u64(r.id), encode(r));
    if (r.erased()) put_erased(batch, r);
    if (r.recalled) batch.durable = true;  // the recall is answered after this
    batch.erase(kTryingIndex, storage::key_u64(r.id));
  }
  for (auto& [id, target] : targets) {
    batch.put(kRecords, storage::key_u64(id), encode(target));
    if (target.erased()) put_erased(batch, target);
  }
  Reply reply = co_await store_.commit(partition_of_slot(slot), std::move(batch));
  if (!reply.ok()) co_return reply.status;
  for (Record& r : records) {
    if (r.status != Status::kCancelled) continue;
    const lcg_status forgotten = co_await forget_hash(std::move(r));
    if (forgotten != LCG_OK) co_return forgotten;
  }
  co_return LCG_OK;
}

Task<lcg_status> Settler::forget_hash(Record cancelled) const {
  if (!cancelled.numbered) co_return LCG_OK;
  const std::string key = storage_key(cancelled.key);
  const std::string partition = partition_of_slot(slot_of_id(cancelled.id));
  Reply known = co_await store_.get(partition, kKeys, key);
  if (known.status == LCG_E_NOT_FOUND) co_return LCG_OK;
  KeyEntry entry;
  if (!known.ok() || !decode(known.data, entry)) co_return known.ok() ? LCG_E_INTERNAL : known.status;
  if (entry.id != cancelled.id || entry.content_hash.empty()) co_return LCG_OK;
  storage::Batch batch;
  batch.durable = false;
  batch.require_equals(kKeys, key, known.data).put(kKeys, key, encode(KeyEntry{cancelled.id, {}}));
  Reply reply = co_await store_.commit(partition, std::move(batch));
  co_return reply.status == LCG_E_CONFLICT ? LCG_OK : reply.status;
}

Task<> Settler::resolve_due() {
  const Busy busy(resolving_);
  const int64_t now = host_.now_ns();
  std::vector<uint64_t> due;
  for (auto next = due_.begin(); next != due_.end() && next->first <= now; ++next) {
    if (due.size() == kMaxResolutions) break;
    due.push_back(next->second);
  }
  std::sort(due.begin(), due.end());
  for (const uint64_t id : due) {
    if (host_.stopping()) break;
    const bool done = co_await resolve(id);
    if (done) {
      forget(id);
    } else if (unsettled_.contains(id)) {
      set_due(id, host_.now_ns());  // behind the others that are due
    }
  }
}

// It is not there now, but a write that took longer than its deadline may still wait in the store. One that
// is answered after it tells: the store applies a partition's batches in order.
Task<bool> Settler::never_stored(uint64_t id) {
  const std::string key = storage::key_u64(id);
  storage::Batch barrier;
  barrier.durable = false;
  barrier.require_absent(kRecords, key).erase(kTryingIndex, key);
  Reply reply = co_await store_.commit(partition_of_slot(slot_of_id(id)), std::move(barrier));
  co_return reply.ok();
}

Task<bool> Settler::resolve(uint64_t id) {
  Outcome<Record> loaded = co_await load(id);
  if (loaded.status == LCG_E_NOT_FOUND) co_return co_await never_stored(id);
  if (!loaded.ok()) co_return false;
  Record record = std::move(loaded.value);
  if (record.status == Status::kCancelled) {
    const lcg_status forgotten = co_await forget_hash(std::move(record));
    co_return forgotten == LCG_OK;
  }
  if (record.status != Status::kTrying) co_return true;
  if (in_flight_(record.key)) co_return false;

  Reply answer = co_await dialogs_.resolve(record.key, id);
  dialog::Resolution resolution;
  if (!answer.ok() || !dialog::decode(answer.data, resolution)) co_return false;
  if (resolution.state == dialog::Resolution::State::kPrepared) co_return false;
  if (resolution.state == dialog::Resolution::State::kUnknown) {
    answer = co_await dialogs_.cancel(record.key, id);
    if (!answer.ok() || !dialog::decode(answer.data, resolution)) co_return false;
  }
  // A sender may have come back for this key while the dialog was asked: then it is the one to settle.
  if (in_flight_(record.key)) co_return false;
  const bool committed = resolution.state == dialog::Resolution::State::kCommitted;
  record.status = committed ? Status::kConfirmed : Status::kCancelled;
  record.position = committed ? resolution.position : chat::Position{};
  record.updated_ms = committed ? resolution.position.ts_ms : host_.wall_ms();
  settle(std::move(record));
  co_return true;
}

}  // namespace lcg::message
