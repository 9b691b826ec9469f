// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/committer.h"

#include <cstring>
#include <memory>

#include "plugins/storage_rocksdb/key_codec.h"

namespace lcg::storage_rocksdb {
namespace {

constexpr auto kResumeInterval = std::chrono::seconds(1);

rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& text) { return {text.data(), text.size()}; }

std::string_view kind_name(storage::Condition::Kind kind) {
  switch (kind) {
    case storage::Condition::Kind::kAbsent:
      return "absent";
    case storage::Condition::Kind::kPresent:
      return "present";
    case storage::Condition::Kind::kEquals:
      return "equal to the value given";
  }
  return "";
}

}  // namespace

rocksdb::Status Committer::load_fences() {
  rocksdb::ReadOptions options;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> it(db_.NewIterator(options));
  for (it->Seek(slice(kFencePrefix)); it->Valid() && it->key().starts_with(slice(kFencePrefix)); it->Next()) {
    const uint32_t slot = slot_of_fence_key(view(it->key()));
    if (slot >= kMaxSlots || it->value().size() != 8)
      return rocksdb::Status::Corruption("a fencing term is malformed");
    if (slot >= fences_.size()) fences_.resize(slot + 1);
    fences_[slot] = storage::u64_of_key(view(it->value()));
  }
  return it->status();
}

std::string Committer::apply(Commit* list) {
  std::string event;
  if (!writable(event)) {
    for (Commit* c = list; c != nullptr; c = c->next) {
      c->status = LCG_E_UNAVAILABLE;
      c->message = refusal_;
    }
    return event;
  }

  // Only a later condition reads what an earlier batch of the group wrote.
  const Commit* last_conditional = nullptr;
  for (Commit* c = list; c != nullptr; c = c->next)
    if (c->conditional) last_conditional = c;

  overlay_.clear();
  read_failure_ = {};
  batch_.Clear();
  bool remembering = last_conditional != nullptr;
  bool durable = false;
  for (Commit* c = list; c != nullptr; c = c->next) {
    if (c == last_conditional) remembering = false;
    c->status = LCG_OK;
    if (!passes_fence(*c) || (c->conditional && !conditions_hold(*c))) continue;
    append(*c, remembering);
    durable = durable || c->durable;
  }
  return event + settle(list, write(durable));
}

// A term the slot has not seen becomes the slot's with this very write.
bool Committer::passes_fence(Commit& commit) {
  if (commit.slot >= fences_.size()) fences_.resize(commit.slot + 1);
  uint64_t& seen = fences_[commit.slot];
  if (commit.term < seen) {
    commit.status = LCG_E_FENCED;
    commit.message = "slot " + std::to_string(commit.slot) + " is at term " + std::to_string(seen) +
                     ", the write came under term " + std::to_string(commit.term);
    return false;
  }
  if (commit.term > seen) {
    seen = commit.term;
    batch_.Put(fence_key(commit.slot), storage::key_u64(commit.term));
  }
  return true;
}

bool Committer::conditions_hold(Commit& commit) {
  BatchReader reader(commit.data);
  ConditionView condition;
  while (reader.next(condition)) {
    if (holds(condition, commit.partition)) continue;
    if (!read_failure_.ok()) {
      commit.status = LCG_E_UNAVAILABLE;
      commit.message = "the store cannot read: " + read_failure_.ToString();
    } else {
      commit.status = LCG_E_CONFLICT;
      commit.message =
          std::string(condition.collection) + " document is not " + std::string(kind_name(condition.kind));
    }
    return false;
  }
  return true;
}

bool Committer::holds(const ConditionView& condition, std::string_view partition) {
  key_.clear();
  append_partition_prefix(key_, condition.collection, partition);
  key_.append(condition.key);
  std::optional<std::string_view> found;
  if (const auto it = overlay_.documents.find(key_); it != overlay_.documents.end()) {
    found = it->second;
  } else {
    value_.Reset();
    const rocksdb::Status got = db_.Get({}, db_.DefaultColumnFamily(), key_, &value_);
    if (got.ok()) {
      found = view(value_);
    } else if (!got.IsNotFound()) {
      read_failure_ = got;
      return false;
    }
  }
  switch (condition.kind) {
    case storage::Condition::Kind::kAbsent:
      return !found.has_value();
    case storage::Condition::Kind::kPresent:
      return found.has_value();
    case storage::Condition::Kind::kEquals:
      return found == condition.value;
  }
  return false;
}

void Committer::append(const Commit& commit, bool remembering) {
  BatchReader reader(commit.data);
  ConditionView skipped;
  while (reader.next(skipped)) {
  }
  OpView op;
  while (reader.next(op)) {
    key_.clear();
    append_partition_prefix(key_, op.collection, commit.partition);
    key_.append(op.key);
    const bool put = op.kind == storage::Op::Kind::kPut;
    if (put) {
      batch_.Put(slice(key_), slice(op.value));
    } else {
      batch_.Delete(slice(key_));
    }
    if (remembering) remember(key_, put ? std::optional(op.value) : std::nullopt);
  }
}

void Committer::remember(std::string_view key, std::optional<std::string_view> value) {
  const auto it = overlay_.documents.find(key);
  if (it != overlay_.documents.end()) {
    it->second = value;
    return;
  }
  char* copy = static_cast<char*>(overlay_.arena.allocate(key.size(), 1));
  std::memcpy(copy, key.data(), key.size());
  overlay_.documents.emplace(std::string_view(copy, key.size()), value);
}

rocksdb::Status Committer::write(bool durable) {
  const bool sync = durable && sync_;
  // A durable batch that writes nothing still promises what was acknowledged before it.
  if (batch_.Count() == 0) return sync ? db_.SyncWAL() : rocksdb::Status::OK();
  rocksdb::WriteOptions options;
  options.sync = sync;
  return db_.Write(options, &batch_);
}

// After a failed write RocksDB itself refuses further ones until Resume succeeds (disk space came back); a
// failed sync never resumes in place, because what the page cache then holds is unknown.
bool Committer::writable(std::string& event) {
  if (!refusing_) return true;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_resume_) return false;
  next_resume_ = now + kResumeInterval;
  if (!db_.Resume().ok()) return false;
  refusing_ = false;
  event = "the store accepts writes again";
  return true;
}

std::string Committer::settle(Commit* list, const rocksdb::Status& written) {
  if (written.ok()) return {};
  const std::string why = written.ToString();
  for (Commit* c = list; c != nullptr; c = c->next) {
    if (c->status != LCG_OK) continue;
    c->status = LCG_E_TIMEOUT;
    c->message = "the outcome of the write is unknown: " + why;
  }
  refusing_ = true;
  next_resume_ = std::chrono::steady_clock::now() + kResumeInterval;
  refusal_ =
      "the store refuses writes after: " + why + "; free disk space, or restart it once the disk is sound";
  return refusal_;
}

}  // namespace lcg::storage_rocksdb
