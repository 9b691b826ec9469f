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
  w.u64(kFormat).u64(static_cast<uint64_t>(row.at_ms)).str(row.idempotency_key);
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
  out.idempotency_key = r.str();
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

Outcome unreadable(std::string_view collection, const std::string& channel) {
  log::error("a document of a channel cannot be read", {{"collection", collection}, {"channel", channel}});
  return {make_error(error_code::kInternal), {}};
}

}  // namespace

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

void PublicationStore::change_secret(storage::Batch& batch, uint32_t slot) {
  batch.put(kSlot, kEpochKey, secrets_[slot] = new_secret());
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
  const uint32_t slot = slot_of(channel);
  const auto fresh = [channel](const std::string& secret) {
    StoredHead head;
    head.top.epoch = epoch_of(channel, secret);
    return head;
  };
  if (const auto known = secrets_.find(slot); known != secrets_.end()) return done({}, fresh(known->second));
  ServiceCall get{"storage", "get", partition_of(channel), {}, "host", 0};
  get.data = wire::Writer().str(kSlot).str(kEpochKey).take();
  host_.call(std::move(get), kTimeout,
             [this, slot, fresh, partition = partition_of(channel),
              done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status != LCG_OK && answer.status != LCG_E_NOT_FOUND)
                 return done(outcome_of_call(answer, error_code::kInternal), {});
               if (answer.status == LCG_OK) return done({}, fresh(secrets_[slot] = answer.data));
               // Of two that come here at once the first one's is the slot's.
               if (const auto known = secrets_.find(slot); known != secrets_.end())
                 return done({}, fresh(known->second));
               storage::Batch batch;
               change_secret(batch, slot);
               ServiceCall commit{"storage", "commit", std::move(partition), batch.encode(), "host", 0};
               host_.call(
                   std::move(commit), kTimeout,
                   [this, slot, fresh, done = std::move(done)](const ServiceCallResponse& kept) mutable {
                     if (kept.status == LCG_OK) return done({}, fresh(secrets_[slot]));
                     secrets_.erase(slot);
                     done(outcome_of_call(kept, error_code::kInternal), {});
                   });
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
                             DoneFn done) {
  storage::Batch batch;
  uint64_t offset = head.top.offset - rows.size();
  for (const StoredRow& row : rows) batch.put(kRows, row_key(channel, ++offset), encode(row));
  erase_old(batch, channel, head);
  batch.put(kHeads, channel, head.encode());
  batch.put(kDue, due_key(head.due_ms, channel), "");
  ServiceCall call{"storage", "commit", partition_of(channel), batch.encode(), "host", 0};
  host_.call(
      std::move(call), kTimeout,
      [this, slot = slot_of(channel), done = std::move(done)](const ServiceCallResponse& answer) mutable {
        if (answer.status != LCG_OK) settled_.erase(slot);
        done(outcome_of_call(answer, error_code::kInternal));
      });
}

}  // namespace lcg::broker
