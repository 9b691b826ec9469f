// SPDX-License-Identifier: Apache-2.0
#include "counter.h"

#include <algorithm>

#include "lcg/busy.hpp"

namespace lcg::dialog {

namespace {

constexpr uint32_t kEntriesAtOnce = 64;  // of the log, with their bodies

uint64_t last_of(uint64_t number) { return (number + 1) * Said::kBlock - 1; }

// REQUIRES: the block has no gap to what the dialog has in memory.
bool fill_from_tail(const Dialog& dialog, Said::Block& block, uint64_t last) {
  if (dialog.tail.empty()) return false;
  if (block.next() < dialog.tail.first() || last > dialog.tail.last()) return false;
  while (block.next() <= last) block.add(*dialog.tail.at(block.next()));
  return true;
}

}  // namespace

void Counter::recalled(Dialog& dialog, uint64_t dseq, storage::Batch* batch) {
  const bool first = std::none_of(batch->ops.begin(), batch->ops.end(),
                                  [](const auto& op) { return op.collection == kSaidDocs; });
  dialog.said.recall(dseq, first && dialog.writes == 0);
  batch->erase(kSaidDocs, storage::key_u64(Said::number_of(dseq)));
}

Task<Outcome<Unread>> Counter::unread(DialogPtr dialog, std::string user, Member member) {
  Outcome<Unread> out;
  Unread& answer = out.value;
  answer.head = dialog->head;
  if (!member.in() || member.read >= answer.head) co_return out;
  Said::Counted counted = dialog->said.counted(user, member.read, member.version);
  const uint64_t from = std::max(counted.head, member.read) + 1;
  answer.count = counted.count;
  answer.more = counted.more;
  counted = {answer.head, member.read, member.version, dialog->said.recalls(), 0, false};
  const bool enough = answer.more && answer.count == kMaxUnread;
  if (from <= answer.head && !enough) {
    std::vector<Window> ranges = readable(dialog->meta, member, from, answer.head);
    out.status = co_await count(dialog, user, std::move(ranges), &answer);
    if (!out.ok()) co_return {out.status, "the log could not be counted", {}};
  }
  counted.count = answer.count;
  counted.more = answer.more;
  dialog->said.remember(user, counted);
  co_return out;
}

Task<lcg_status> Counter::count(DialogPtr dialog, std::string user, std::vector<Window> ranges,
                                Unread* answer) {
  uint64_t blocks = 0, done = ~uint64_t{0};  // all blocks from `done` on are counted in full
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
    const uint64_t lowest = Said::number_of(range->from);
    for (uint64_t number = Said::number_of(range->to);; --number) {
      const bool too_far = number != done && ++blocks > kMaxBlocks;
      if (too_far) answer->more = true;
      if (too_far) co_return LCG_OK;
      done = number;
      ++answer->looked_at;
      const lcg_status fetched = co_await fetch(dialog, number, answer->head, &answer->looked_at);
      if (fetched != LCG_OK) co_return fetched;
      const Said::Block* const block = dialog->said.find(number);
      if (block == nullptr) co_return LCG_E_BUSY;
      answer->count += block->count(range->from, range->to, user);
      if (answer->count > kMaxUnread) {
        answer->count = kMaxUnread;
        answer->more = true;
        co_return LCG_OK;
      }
      if (number == lowest) break;
    }
  }
  co_return LCG_OK;
}

Task<lcg_status> Counter::fetch(DialogPtr dialog, uint64_t number, uint64_t head, uint64_t* looked_at) {
  Said& said = dialog->said;
  const uint64_t last = std::min(last_of(number), head);
  for (;;) {
    Said::Block* const known = said.find(number);
    if (known != nullptr && (known->next() > last || fill_from_tail(*dialog, *known, last))) co_return LCG_OK;
    if (!said.reading) break;
    co_await said.read.wait();
  }
  const Busy busy(said.reading, &said.read);
  co_return co_await read(dialog, number, head, looked_at);
}

Task<lcg_status> Counter::read(DialogPtr dialog, uint64_t number, uint64_t head, uint64_t* looked_at) {
  const uint64_t last = std::min(last_of(number), head);
  Said::Block* const known = dialog->said.find(number);
  Said::Block block = known != nullptr ? *known : Said::Block(number);
  bool stored = false;
  if (known == nullptr && last == last_of(number)) {
    Reply reply = co_await store_.get(dialog->id, kSaidDocs, storage::key_u64(number));
    if (!reply.ok() && reply.status != LCG_E_NOT_FOUND) co_return LCG_E_BUSY;
    stored = reply.ok() && block.decode(reply.data);
    if (!stored) block = Said::Block(number);
  }
  if (!stored) {
    const uint64_t from = block.next();
    const lcg_status status = co_await read_log(dialog, &block, last);
    *looked_at += block.next() - from;
    if (status != LCG_OK) co_return status;
  }
  const Said::Block& kept = dialog->said.keep(number, std::move(block));
  if (stored || !kept.whole() || !dialog->usable()) co_return LCG_OK;
  // Nothing has suspended since the recalls were taken out: one that comes later erases what is written here.
  storage::Batch batch;
  batch.durable = false;  // it can be made again
  batch.put(kSaidDocs, storage::key_u64(number), kept.encode());
  ++dialog->writes;
  static_cast<void>(co_await store_.commit(dialog->id, std::move(batch)));
  --dialog->writes;
  directory_.write_ended(*dialog);
  co_return LCG_OK;
}

Task<lcg_status> Counter::read_log(DialogPtr dialog, Said::Block* block, uint64_t last) {
  if (block->next() == 0) {
    Entry nothing;
    nothing.kind = chat::Kind::kMeta;
    block->add(nothing);  // positions begin with 1
  }
  while (block->next() <= last) {
    if (fill_from_tail(*dialog, *block, last)) break;
    storage::Scan page{kLogDocs, storage::key_u64(block->next()), storage::key_u64(last + 1), kEntriesAtOnce,
                       false};
    Outcome<storage::ScanRows> rows = co_await store_.scan(dialog->id, std::move(page));
    if (!rows.ok()) co_return LCG_E_BUSY;
    if (rows.value.rows.empty()) co_return LCG_E_INTERNAL;
    for (const storage::Row& row : rows.value.rows) {
      Entry entry;
      if (!decode(row.value, entry) || entry.dseq != block->next()) co_return LCG_E_INTERNAL;
      block->add(entry);
    }
  }
  co_return LCG_OK;
}

}  // namespace lcg::dialog
