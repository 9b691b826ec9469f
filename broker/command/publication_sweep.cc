#include "broker/command/publication_sweep.h"

#include <utility>

#include "base/log.h"

namespace lcg::broker {
namespace {

constexpr size_t kDueKeyBytes = 8;  // before the channel's name

}  // namespace

void PublicationSweep::start() {
  if (std::exchange(started_, true)) return;
  context_.lane.start_timer(kEvery, [this] { begin(); });
}

void PublicationSweep::begin() { drop_keys(0); }

// Idempotency keys that mean nothing any more, in `slot` and those that follow; then what is due.
void PublicationSweep::drop_keys(uint32_t slot) {
  while (slot < context_.slots.count() && !context_.owns(slot)) ++slot;
  if (slot == context_.slots.count()) return look(0, {});
  const storage::Scan scan(kKeys, {}, store_.first_key(), kPage);
  ServiceCall call{"storage", "scan", "@" + std::to_string(slot), scan.encode(), "host", 0};
  context_.host.call(
      std::move(call), PublicationStore::kTimeout, [this, slot](const ServiceCallResponse& answer) {
        storage::ScanRows page;
        const bool read = answer.status == LCG_OK && storage::ScanRows::decode(answer.data, page);
        if (!read || page.rows.empty()) return drop_keys(slot + 1);
        storage::Batch batch;
        batch.durable = false;
        for (storage::Row& row : page.rows) batch.erase(kKeys, std::move(row.key));
        ServiceCall erase{"storage", "commit", "@" + std::to_string(slot), batch.encode(), "host", 0};
        context_.host.call(std::move(erase), PublicationStore::kTimeout,
                           [this, slot, more = page.more](const ServiceCallResponse& erased) {
                             drop_keys(erased.status == LCG_OK && more ? slot : slot + 1);
                           });
      });
}

// What is due in `slot` behind `from`, then in the slots that follow.
void PublicationSweep::look(uint32_t slot, std::string from) {
  while (slot < context_.slots.count() && !context_.owns(slot)) ++slot;
  if (slot == context_.slots.count()) {
    context_.lane.start_timer(kEvery, [this] { begin(); });
    return;
  }
  const auto now_ms = static_cast<uint64_t>(context_.lane.clock().wall_ms());
  const storage::Scan scan(kDue, std::move(from), storage::key_u64(now_ms), kPage);
  ServiceCall call{"storage", "scan", "@" + std::to_string(slot), scan.encode(), "host", 0};
  context_.host.call(std::move(call), PublicationStore::kTimeout,
                     [this, slot](const ServiceCallResponse& answer) {
                       storage::ScanRows page;
                       if (answer.status != LCG_OK || !storage::ScanRows::decode(answer.data, page)) {
                         log::warn("the store does not say which channels are due",
                                   {{"slot", slot}, {"status", answer.status}});
                         return look(slot + 1, {});
                       }
                       look_at(slot, std::move(page.rows), 0, page.more);
                     });
}

void PublicationSweep::look_at(uint32_t slot, std::vector<storage::Row> due, size_t at, bool more) {
  if (at == due.size()) {
    if (!more || due.empty()) return look(slot + 1, {});
    return look(slot, due.back().key + '\0');
  }
  const auto due_ms = static_cast<int64_t>(storage::u64_of_key(due[at].key));
  std::string channel = due[at].key.substr(std::min(kDueKeyBytes, due[at].key.size()));
  UniqueFunction<void()> next = [this, slot, due = std::move(due), at, more]() mutable {
    look_at(slot, std::move(due), at + 1, more);
  };
  ServiceCall get{"storage", "get", store_.partition_of(channel), {}, "host", 0};
  get.data = wire::Writer().str(kHeads).str(channel).take();
  context_.host.call(std::move(get), PublicationStore::kTimeout,
                     [this, channel = std::move(channel), due_ms,
                      next = std::move(next)](const ServiceCallResponse& answer) mutable {
                       if (answer.status == LCG_E_NOT_FOUND)
                         return drop_row(channel, due_ms, std::move(next));
                       if (answer.status != LCG_OK) return next();
                       examine(channel, due_ms, answer.data, std::move(next));
                     });
}

void PublicationSweep::drop_row(const std::string& channel, int64_t due_ms, UniqueFunction<void()> done) {
  storage::Batch batch;
  batch.durable = false;
  batch.erase(kDue, PublicationStore::due_key(due_ms, channel));
  commit(channel, std::move(batch), [done = std::move(done)](bool) mutable { done(); });
}

void PublicationSweep::examine(const std::string& channel, int64_t due_ms, const std::string& document,
                               UniqueFunction<void()> done) {
  StoredHead head;
  if (!StoredHead::decode(document, head)) {
    log::error("a document of a channel cannot be read", {{"collection", kHeads}, {"channel", channel}});
    return done();
  }
  if (head.due_ms != due_ms) return drop_row(channel, due_ms, std::move(done));
  if (table_.find(channel) != nullptr) return done();
  const int64_t now_ms = context_.lane.clock().wall_ms();
  storage::Batch batch;
  batch.durable = false;
  batch.require_equals(kHeads, channel, document);
  const bool expired = now_ms >= head.contents_until_ms;
  if (expired) {
    head.first = head.top.offset + 1;
    PublicationStore::erase_old(batch, channel, head);
  }
  const bool more = head.oldest_row < head.first;
  const uint32_t slot = store_.slot_of(channel);
  const bool forgets = expired && !more && now_ms >= head.forget_at_ms;
  if (!more) batch.erase(kDue, PublicationStore::due_key(due_ms, channel));
  if (forgets) {
    batch.erase(kHeads, channel);
    if (!store_.begin_change(batch, slot)) return done();
  } else {
    if (!more)
      head.due_ms = PublicationStore::due_after(expired ? head.forget_at_ms : head.contents_until_ms);
    batch.put(kHeads, channel, head.encode());
    batch.put(kDue, PublicationStore::due_key(head.due_ms, channel), "");
  }
  std::string then = more ? head.encode() : std::string();
  commit(channel, std::move(batch),
         [this, channel, due_ms, slot, forgets, then = std::move(then),
          done = std::move(done)](bool written) mutable {
           if (forgets) store_.end_change(slot, written);
           if (written && !then.empty()) return examine(channel, due_ms, then, std::move(done));
           done();
         });
}

// False: the head is another by now, or the store does not take it. Either way the row is looked at again.
void PublicationSweep::commit(const std::string& channel, storage::Batch batch,
                              UniqueFunction<void(bool)> done) {
  ServiceCall call{"storage", "commit", store_.partition_of(channel), batch.encode(), "host", 0};
  context_.host.call(
      std::move(call), PublicationStore::kTimeout,
      [done = std::move(done)](const ServiceCallResponse& answer) mutable { done(answer.status == LCG_OK); });
}

}  // namespace lcg::broker
