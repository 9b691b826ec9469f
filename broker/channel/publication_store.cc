#include "broker/channel/publication_store.h"

#include <xxhash.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "broker/error_table.h"

namespace lcg::broker {
namespace {

constexpr uint64_t kFormat = 1;
constexpr const char *kEpochKey = "epoch", *kBarrierKey = "barrier";
constexpr size_t kSecretLetters = 22;  // 125 bits
constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

std::string row_key(const std::string& channel, uint64_t offset) {
  std::string key = channel;
  key.append(1, '\0').append(storage::key_u64(offset));
  return key;
}

// The same in every process and on every machine, which text_hash is not.
std::string epoch_of(const std::string& channel, const std::string& secret) {
  const std::string named = secret + channel;
  uint64_t number = XXH3_64bits(named.data(), named.size());
  std::string epoch(10, ' ');
  for (char& c : epoch) {
    c = kLetters[number % kLetters.size()];
    number /= kLetters.size();
  }
  return epoch;
}

std::string encode(const StoredRow& row) {
  const Publication& p = *row.publication;
  wire::Writer w;
  w.u64(kFormat).u64(static_cast<uint64_t>(row.at_ms));
  w.boolean(p.binary).boolean(p.has_info).str(p.info.user).str(p.info.client);
  w.str(p.info.conn_info.view()).str(p.info.chan_info.view()).u64(p.tags.size());
  for (const auto& [key, value] : p.tags) w.str(key).str(value);
  return w.str(p.data.view()).take();
}

bool decode(std::string_view document, StoredRow& out) {
  wire::Reader r(document);
  auto p = std::make_shared<Publication>();
  if (r.u64() != kFormat) return false;
  out.at_ms = static_cast<int64_t>(r.u64());
  p->binary = r.boolean();
  p->has_info = r.boolean();
  p->info.user = r.str();
  p->info.client = r.str();
  p->info.conn_info = SharedBytes(r.str());
  p->info.chan_info = SharedBytes(r.str());
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    std::string key(r.str());
    p->tags.emplace_back(std::move(key), r.str());
  }
  p->data = SharedBytes(r.str());
  out.publication = std::move(p);
  return r.ok();
}

// As coarse as a few looks allow, as fine as keeps what is over from lying about for long.
constexpr Millis kKeyStep = std::chrono::minutes(5);

uint64_t minutes_of(int64_t wall_ms) { return static_cast<uint64_t>(wall_ms / kKeyStep.count()); }

std::string key_key(uint64_t minutes, const std::string& channel, const std::string& key) {
  std::string name = storage::key_u64(minutes);
  name.append(channel).append(1, '\0').append(key);
  return name;
}

Outcome unreadable(std::string_view collection, const std::string& channel) {
  log::error("a document of a channel cannot be read", {{"collection", collection}, {"channel", channel}});
  return {make_error(error_code::kInternal), {}};
}

}  // namespace

size_t StoredRow::bytes_of(const Publication& p) {
  size_t bytes = p.data.size() + p.info.user.size() + p.info.client.size() + p.info.conn_info.size() +
                 p.info.chan_info.size();
  for (const auto& [key, value] : p.tags) bytes += key.size() + value.size() + 4;
  return bytes;
}

std::string StoredHead::encode() const {
  wire::Writer w;
  w.u64(kFormat).u64(top.offset).str(top.epoch).u64(first).u64(oldest_row).u64(version).str(version_epoch);
  for (const int64_t ms : {last_ms, contents_until_ms, forget_at_ms, due_ms})
    w.u64(static_cast<uint64_t>(ms));
  return w.take();
}

bool StoredHead::decode(std::string_view document, StoredHead& out) {
  wire::Reader r(document);
  if (r.u64() != kFormat) return false;
  out.top.offset = r.u64();
  out.top.epoch = r.str();
  out.first = r.u64();
  out.oldest_row = r.u64();
  out.version = r.u64();
  out.version_epoch = r.str();
  for (int64_t* ms : {&out.last_ms, &out.contents_until_ms, &out.forget_at_ms, &out.due_ms})
    *ms = static_cast<int64_t>(r.u64());
  return r.ok() && out.oldest_row >= 1 && out.oldest_row <= out.first && out.first <= out.top.offset + 1;
}

uint32_t PublicationStore::slot_of(const std::string& channel) const {
  return slot_of_key(key_of_channel(channel, false), slots_);
}

std::string PublicationStore::partition_of(const std::string& channel) const {
  return "@" + std::to_string(slot_of(channel));
}

std::string PublicationStore::due_key(int64_t due_ms, const std::string& channel) {
  return storage::key_u64(static_cast<uint64_t>(due_ms)) + channel;
}

int64_t PublicationStore::due_after(int64_t at_ms) {
  return (at_ms / kDueStep.count() + 1) * kDueStep.count();
}

std::string PublicationStore::new_secret() {
  std::string secret(kSecretLetters, ' ');
  for (char& c : secret) c = kLetters[lane_.random().u64() % kLetters.size()];
  return secret;
}

bool PublicationStore::begin_change(storage::Batch& batch, uint32_t slot) {
  if (asking_.contains(slot)) return false;
  asking_[slot];
  secrets_.erase(slot);
  batch.put(kSlot, kEpochKey, changing_[slot] = new_secret());
  return true;
}

void PublicationStore::end_change(uint32_t slot, bool written) {
  const std::string secret = std::move(changing_[slot]);
  changing_.erase(slot);
  if (written) return answer_secret(slot, {}, secret);
  if (asking_[slot].empty()) return static_cast<void>(asking_.erase(slot));
  ask_secret(slot);
}

void PublicationStore::with_secret(uint32_t slot, SecretFn done) {
  if (const auto known = secrets_.find(slot); known != secrets_.end()) {
    const std::string secret = known->second;
    return done({}, secret);
  }
  const bool first = !asking_.contains(slot);
  asking_[slot].push_back(std::move(done));
  if (first) ask_secret(slot);
}

void PublicationStore::answer_secret(uint32_t slot, const Outcome& outcome, const std::string& secret) {
  if (outcome.ok()) secrets_[slot] = secret;
  std::vector<SecretFn> waiting = std::move(asking_[slot]);
  asking_.erase(slot);
  for (SecretFn& next : waiting) next(outcome, secret);
}

// The store's, or a new one that it has before anybody is told.
void PublicationStore::ask_secret(uint32_t slot) {
  const std::string partition = "@" + std::to_string(slot);
  ServiceCall get{"storage", "get", partition, {}, "host", 0};
  get.data = wire::Writer().str(kSlot).str(kEpochKey).take();
  host_.call(std::move(get), kTimeout, [this, slot, partition](const ServiceCallResponse& answer) {
    if (answer.status == LCG_OK) return answer_secret(slot, {}, answer.data);
    if (answer.status != LCG_E_NOT_FOUND)
      return answer_secret(slot, outcome_of_call(answer, error_code::kInternal), {});
    const std::string secret = new_secret();
    storage::Batch batch;
    batch.put(kSlot, kEpochKey, secret);
    ServiceCall commit{"storage", "commit", partition, batch.encode(), "host", 0};
    host_.call(std::move(commit), kTimeout, [this, slot, secret](const ServiceCallResponse& kept) {
      answer_secret(slot, outcome_of_call(kept, error_code::kInternal), secret);
    });
  });
}

void PublicationStore::read_head(const std::string& channel, HeadFn done) {
  const uint32_t slot = slot_of(channel);
  if (settled_.contains(slot)) return get_head(channel, std::move(done));
  storage::Batch batch;
  batch.put(kSlot, kBarrierKey, "");
  ServiceCall commit{"storage", "commit", partition_of(channel), batch.encode(), "host", 0};
  host_.call(std::move(commit), kTimeout,
             [this, slot, channel, done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status != LCG_OK) return done(outcome_of_call(answer, error_code::kInternal), {});
               settled_.insert(slot);
               get_head(channel, std::move(done));
             });
}

void PublicationStore::get_head(const std::string& channel, HeadFn done) {
  ServiceCall get{"storage", "get", partition_of(channel), {}, "host", 0};
  get.data = wire::Writer().str(kHeads).str(channel).take();
  host_.call(std::move(get), kTimeout,
             [this, channel, done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status == LCG_E_NOT_FOUND) return new_head(channel, std::move(done));
               if (answer.status != LCG_OK) return done(outcome_of_call(answer, error_code::kInternal), {});
               StoredHead head;
               if (!StoredHead::decode(answer.data, head)) return done(unreadable(kHeads, channel), {});
               done({}, std::move(head));
             });
}

void PublicationStore::new_head(const std::string& channel, HeadFn done) {
  with_secret(slot_of(channel),
              [channel, done = std::move(done)](const Outcome& outcome, const std::string& secret) mutable {
                StoredHead head;
                if (outcome.ok()) head.top.epoch = epoch_of(channel, secret);
                done(outcome, std::move(head));
              });
}

// A window later nobody asks for a key any more.
std::string PublicationStore::first_key() const {
  const int64_t minutes = (lane_.clock().wall_ms() - kKeysUnknown.count()) / kKeyStep.count();
  return storage::key_u64(static_cast<uint64_t>(std::max<int64_t>(0, minutes)));
}

void PublicationStore::find_key(const std::string& channel, const std::string& key, KeyFn done) {
  const int64_t now_ms = lane_.clock().wall_ms();
  look_for_key(channel, key, minutes_of(now_ms), storage::u64_of_key(first_key()), std::move(done));
}

// From the newest minute back. Few keys are looked for, and only while the process is young or the store in trouble.
void PublicationStore::look_for_key(const std::string& channel, const std::string& key, uint64_t minutes,
                                    uint64_t first, KeyFn done) {
  ServiceCall get{"storage", "get", partition_of(channel), {}, "host", 0};
  get.data = wire::Writer().str(kKeys).str(key_key(minutes, channel, key)).take();
  host_.call(std::move(get), kTimeout,
             [this, channel, key, minutes, first,
              done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status == LCG_OK) return done({}, storage::u64_of_key(answer.data));
               if (answer.status != LCG_E_NOT_FOUND)
                 return done(outcome_of_call(answer, error_code::kInternal), {});
               if (minutes <= first) return done({}, {});
               look_for_key(channel, key, minutes - 1, first, std::move(done));
             });
}

void PublicationStore::read(const std::string& channel, const std::string& epoch, Range range, RowsFn done) {
  const storage::Scan scan(kRows, row_key(channel, range.first), row_key(channel, range.last + 1),
                           range.limit, range.reverse);
  ServiceCall call{"storage", "scan", partition_of(channel), scan.encode(), "host", 0};
  host_.call(std::move(call), kTimeout,
             [channel, epoch, done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status != LCG_OK)
                 return done(outcome_of_call(answer, error_code::kInternal), {}, false);
               storage::ScanRows page;
               if (!storage::ScanRows::decode(answer.data, page))
                 return done(unreadable(kRows, channel), {}, false);
               std::vector<StoredRow> rows(page.rows.size());
               for (size_t i = 0; i < rows.size(); ++i) {
                 const std::string& key = page.rows[i].key;
                 if (key.size() != channel.size() + 9 || !decode(page.rows[i].value, rows[i]))
                   return done(unreadable(kRows, channel), {}, false);
                 rows[i].publication->offset =
                     storage::u64_of_key(std::string_view(key).substr(channel.size() + 1));
                 rows[i].publication->epoch = epoch;
               }
               done({}, std::move(rows), page.more);
             });
}

void PublicationStore::erase_old(storage::Batch& batch, const std::string& channel, StoredHead& head) {
  const uint64_t until = std::min(head.first, head.oldest_row + kErasedAtATime);
  for (; head.oldest_row < until; ++head.oldest_row) batch.erase(kRows, row_key(channel, head.oldest_row));
}

void PublicationStore::write(const std::string& channel, StoredHead& head, const std::vector<StoredRow>& rows,
                             const Keys& keys, DoneFn done) {
  storage::Batch batch;
  uint64_t offset = head.top.offset - rows.size();
  for (const StoredRow& row : rows) batch.put(kRows, row_key(channel, ++offset), encode(row));
  erase_old(batch, channel, head);
  const uint64_t minutes = minutes_of(lane_.clock().wall_ms());
  for (const auto& [key, stands_for] : keys)
    batch.put(kKeys, key_key(minutes, channel, key), storage::key_u64(stands_for));
  if (head.top.offset > 0) {
    batch.put(kHeads, channel, head.encode());
    batch.put(kDue, due_key(head.due_ms, channel), "");
  }
  ServiceCall call{"storage", "commit", partition_of(channel), batch.encode(), "host", 0};
  host_.call(
      std::move(call), kTimeout,
      [this, slot = slot_of(channel), done = std::move(done)](const ServiceCallResponse& answer) mutable {
        if (answer.status != LCG_OK) {
          settled_.erase(slot);
          keys_unknown_until_ = lane_.now() + kKeysUnknown;
        }
        done(outcome_of_call(answer, error_code::kInternal));
      });
}

}  // namespace lcg::broker
