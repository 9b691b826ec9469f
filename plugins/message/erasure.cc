// SPDX-License-Identifier: Apache-2.0
#include "erasure.h"

#include <algorithm>
#include <deque>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "lcg/busy.hpp"
#include "lcg/services/storage_pages.hpp"
#include "lcg/services/storage_scrub.hpp"

namespace lcg::message {

namespace {

constexpr std::chrono::milliseconds kRetryEvery{1'000};
constexpr uint32_t kAtOnce = 64;           // copies that are taken out together
constexpr size_t kRecallsAtOnce = 512;     // whose files are scrubbed together
constexpr size_t kDocumentsAtOnce = 1000;  // of a call that scrubs

std::string about_key(uint64_t target, uint64_t id) {
  return storage::key_u64(target) + storage::key_u64(id);
}

// Takes at most `most` from the end.
template <class T>
std::vector<T> take_some(std::vector<T>& all, size_t most) {
  const auto from = all.end() - static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::vector<T> some(std::make_move_iterator(from), std::make_move_iterator(all.end()));
  all.erase(from, all.end());
  return some;
}

Task<> add_status(Task<Reply> call, lcg_status* status, WaitGroup* group) {
  const Reply reply = co_await std::move(call);
  // A store that has no files, or cannot scrub them, has done what it can.
  if (!reply.ok() && reply.status != LCG_E_UNSUPPORTED) *status = reply.status;
  group->done();
}

// The records of all that is about a message, a page at a time; the message's own comes first.
class Copies {
 public:
  Copies(Host host, Settler& settler, uint64_t message)
      : host_(host), settler_(settler), message_(message), ask_{message}, load_{message} {}

  bool done() const { return load_.empty() && ask_.empty(); }
  // REQUIRES: !done(). May be none.
  Task<Outcome<std::vector<Record>>> next() {
    Outcome<std::vector<Record>> out;
    if (load_.empty()) {
      Reply read = co_await read_index();
      if (!read.ok()) co_return {read.status, std::move(read.message), {}};
    }
    for (const uint64_t id : std::exchange(load_, {})) {
      Outcome<Record> record = co_await settler_.load(id);
      if (record.status == LCG_E_NOT_FOUND) continue;
      if (!record.ok()) co_return {record.status, std::move(record.message), {}};
      // What came before it under the same key is listed as being about it. The message's own list is read anyway.
      if (record.value.attempt > 1 && id != message_) ask_.push_back(id);
      out.value.push_back(std::move(record.value));
    }
    co_return out;
  }

 private:
  Task<Reply> read_index() {
    if (pages_ == nullptr) {
      const uint64_t about = ask_.front();
      pages_ = std::make_unique<storage::Pages>(
          host_, partition_of_slot(slot_of_id(about)),
          storage::Scan{kAbout, storage::key_u64(about), storage::key_u64(about + 1)},
          storage::PageBounds{.rows = kAtOnce});
    }
    Outcome<std::vector<storage::Row>> rows = co_await pages_->next();
    if (!rows.ok()) co_return Reply::error(rows.status, std::move(rows.message));
    for (const storage::Row& row : rows.value)
      load_.push_back(storage::u64_of_key(std::string_view(row.key).substr(8)));
    if (pages_->done()) {
      pages_.reset();
      ask_.pop_front();
    }
    co_return Reply();
  }

  Host host_;
  Settler& settler_;
  const uint64_t message_;
  std::deque<uint64_t> ask_;    // whose lists are to be read
  std::vector<uint64_t> load_;  // records to read
  std::unique_ptr<storage::Pages> pages_;
};

}  // namespace

struct Erasure::Names {
  std::map<std::string, std::vector<uint64_t>> entries;              // by dialog
  std::map<uint32_t, std::vector<storage::DocumentName>> documents;  // by slot
};

Erasure::Erasure(Host host, ErasureLimits limits, Settler& settler)
    : host_(host),
      limits_(limits),
      store_(host),
      dialogs_(host),
      settler_(settler),
      timer_(host),
      files_timer_(host) {}

void Erasure::put_about(storage::Batch& batch, const Record& record) {
  batch.put(kAbout, about_key(record.target, record.id), "");
}

void Erasure::put_earlier(storage::Batch& batch, const Record& record, uint64_t earlier) {
  batch.put(kAbout, about_key(record.id, earlier), "");
}

void Erasure::put_erasing(storage::Batch& batch, const Record& recall) {
  batch.put(kErasing, storage::key_u64(recall.id), "");
}

void Erasure::start() {
  timer_.every(kRetryEvery, [this] {
    if (!running_ && !due_.empty()) host_.spawn(run_due());
  });
  files_timer_.every(limits_.files_every, [this] {
    if (!scrubbing_ && !in_files_.empty()) host_.spawn(scrub_files());
  });
}

void Erasure::lost(uint32_t slot) {
  due_.lost(slot);
  std::erase_if(in_files_, [slot](uint64_t id) { return slot_of_id(id) == slot; });
}

// --- documents -----------------------------------------------------------------------------------

Task<lcg_status> Erasure::erase(Record recall) {
  const uint64_t id = recall.id;
  if (const Due::Work other = due_.at(id)) {
    co_await other->wait();
    co_return other->get();
  }
  Due::Turn turn(due_, id);
  const lcg_status status = co_await take_back(recall.target);
  if (status == LCG_OK && turn.holds()) in_files_.insert(id);
  turn.end(status);
  co_return status;
}

Task<> Erasure::run_due() {
  const Busy busy(running_);
  const std::vector<uint64_t> due = due_.open();
  for (const uint64_t id : due) {
    if (host_.stopping()) break;
    if (!pending(id)) continue;
    const bool over = co_await resume(id);
    if (over) due_.erase(id);
  }
}

// True: there is nothing to take back.
Task<bool> Erasure::resume(uint64_t id) {
  Outcome<Record> recall = co_await settler_.load(id);
  if (!recall.ok() && recall.status != LCG_E_NOT_FOUND) co_return false;
  if (recall.ok() && recall.value.status == Status::kTrying) co_return false;  // the resolver is at it
  if (recall.ok() && recall.value.status == Status::kConfirmed) {
    const lcg_status status = co_await erase(std::move(recall.value));
    static_cast<void>(status);  // erase() has noted it
    co_return false;
  }
  storage::Batch never;  // it did not commit
  never.durable = false;
  never.erase(kErasing, storage::key_u64(id));
  Reply reply = co_await store_.commit(partition_of_slot(slot_of_id(id)), std::move(never));
  co_return reply.ok();
}

Task<lcg_status> Erasure::take_back(uint64_t message) {
  Copies copies(host_, settler_, message);
  while (!copies.done()) {
    Outcome<std::vector<Record>> some = co_await copies.next();
    if (!some.ok()) co_return some.status;
    if (some.value.empty()) continue;
    const lcg_status status = co_await strip(std::move(some.value));
    if (status != LCG_OK) co_return status;
  }
  co_return LCG_OK;
}

Task<lcg_status> Erasure::resolve(Record* record) {
  if (record->status != Status::kTrying) co_return LCG_OK;
  Reply reply = co_await dialogs_.cancel(record->key, record->id);
  dialog::Resolution resolution;
  if (!reply.ok()) co_return reply.status;
  if (!dialog::decode(reply.data, resolution)) co_return LCG_E_INTERNAL;
  const bool committed = resolution.state == dialog::Resolution::State::kCommitted;
  record->status = committed ? Status::kConfirmed : Status::kCancelled;
  if (committed) record->position = resolution.position;
  co_return LCG_OK;
}

// The log first: it is what others read. Each step may be done twice.
Task<lcg_status> Erasure::strip(std::vector<Record> records) {
  std::vector<dialog::EntryName> entries;
  for (Record& record : records) {
    const lcg_status resolved = co_await resolve(&record);
    if (resolved != LCG_OK) co_return resolved;
    if (record.status == Status::kConfirmed) entries.push_back({record.position.dseq, record.id});
  }
  if (!entries.empty()) {
    std::string dialog = records.front().key.dialog;
    Reply erased = co_await dialogs_.erase(std::move(dialog), std::move(entries));
    if (!erased.ok()) co_return erased.status;
  }
  for (Record& record : records) {
    if (record.status == Status::kConfirmed) record.recalled = true;
    settler_.settle(record);
  }
  for (const Record& record : records) {
    const uint64_t id = record.id;
    const bool written = co_await settler_.written(id);
    Outcome<Record> now = co_await settler_.load(id);
    if (!written || !now.ok() || !now.value.erased() || !now.value.body.empty()) co_return LCG_E_BUSY;
    if (now.value.status != Status::kCancelled) continue;
    const lcg_status forgotten = co_await settler_.forget_hash(std::move(now.value));
    if (forgotten != LCG_OK) co_return forgotten;
  }
  co_return LCG_OK;
}

// --- files ---------------------------------------------------------------------------------------

Task<> Erasure::scrub_files() {
  const Busy busy(scrubbing_);
  std::vector<uint64_t> all(in_files_.begin(), in_files_.end());
  while (!all.empty() && !host_.stopping()) {
    std::vector<uint64_t> some = take_some(all, kRecallsAtOnce);
    std::erase_if(some, [this](uint64_t id) { return !in_files_.contains(id); });
    co_await scrub(std::move(some));
  }
}

Task<lcg_status> Erasure::name_copies(uint64_t id, Names* names) {
  Outcome<Record> recall = co_await settler_.load(id);
  if (!recall.ok()) co_return recall.status;
  const uint32_t slot = slot_of_id(id);
  Copies copies(host_, settler_, recall.value.target);
  while (!copies.done()) {
    Outcome<std::vector<Record>> some = co_await copies.next();
    if (!some.ok()) co_return some.status;
    for (const Record& record : some.value) {
      if (record.status == Status::kConfirmed)
        names->entries[record.key.dialog].push_back(record.position.dseq);
      const std::string key = storage::key_u64(record.id);
      names->documents[slot].push_back({kRecords, key});
      names->documents[slot].push_back({kBodies, key});
      if (record.numbered) names->documents[slot].push_back({kKeys, storage_key(record.key)});
    }
  }
  co_return LCG_OK;
}

// All at once, so that the store makes one of them.
Task<> Erasure::scrub(std::vector<uint64_t> recalls) {
  Names names;
  std::vector<uint64_t> named;
  for (const uint64_t id : recalls) {
    const lcg_status status = co_await name_copies(id, &names);
    if (status == LCG_OK) {
      named.push_back(id);
    } else {
      host_.warn(
          "what a recall has taken back stays in files of the store for now: its records cannot be read"
          " recall=" +
          std::to_string(id) + " status=" + std::to_string(status));
    }
  }
  lcg_status status = LCG_OK;
  WaitGroup group;
  const auto start = [&](Task<Reply> call) {
    group.add();
    if (host_.spawn(add_status(std::move(call), &status, &group))) return;
    status = LCG_E_CANCELLED;
    group.done();
  };
  for (auto& [dialog, positions] : names.entries)
    while (!positions.empty()) start(dialogs_.erase_files(dialog, take_some(positions, kDocumentsAtOnce)));
  for (auto& [slot, documents] : names.documents)
    while (!documents.empty())
      start(storage::scrub(host_, partition_of_slot(slot), take_some(documents, kDocumentsAtOnce)));
  co_await group.wait();
  if (status != LCG_OK) co_return;

  std::map<uint32_t, storage::Batch> over;
  for (const uint64_t id : named) over[slot_of_id(id)].erase(kErasing, storage::key_u64(id));
  for (auto& [slot, batch] : over) {
    batch.durable = false;
    Reply reply = co_await store_.commit(partition_of_slot(slot), std::move(batch));
    if (!reply.ok()) co_return;
  }
  for (const uint64_t id : named) in_files_.erase(id);
}

}  // namespace lcg::message
