// SPDX-License-Identifier: Apache-2.0
#include "reader.h"

#include <algorithm>

#include "lcg/services/storage_pages.hpp"

namespace lcg::dialog {

namespace {

size_t cost(const Entry& e) {
  return 256 + (e.body_bytes > 0 ? e.body_bytes : e.body.size()) + e.detail.size();
}

Outcome<Page> decode_page(const std::vector<storage::Row>& rows, bool more) {
  Outcome<Page> out;
  out.value.more = more;
  for (const storage::Row& row : rows) {
    auto entry = std::make_shared<Entry>();
    if (!decode(row.value, *entry)) return {LCG_E_INTERNAL, "log is damaged", {}};
    out.value.entries.push_back(std::move(entry));
  }
  return out;
}

// A page that others may wait for: they are answered whatever way it is left.
class SharedRead {
 public:
  using Reads = std::unordered_map<std::string, std::shared_ptr<Future<Outcome<Page>>>>;
  SharedRead(Reads& reads, std::string key)
      : reads_(reads), key_(std::move(key)), page_(std::make_shared<Future<Outcome<Page>>>()) {
    reads_.emplace(key_, page_);
  }
  SharedRead(const SharedRead&) = delete;
  SharedRead& operator=(const SharedRead&) = delete;
  ~SharedRead() {
    reads_.erase(key_);
    page_->set({LCG_E_BUSY, "the page was not read", {}});
  }
  void answer(const Outcome<Page>& page) { page_->set(page); }

 private:
  Reads& reads_;
  const std::string key_;
  const std::shared_ptr<Future<Outcome<Page>>> page_;
};

}  // namespace

bool Reader::from_tail(const Dialog& dialog, uint64_t from, uint64_t to, size_t limit, bool reverse,
                       Page& out) {
  if (dialog.tail.empty()) return false;
  const uint64_t first = dialog.tail.first();
  if (!reverse && from < first) return false;
  const uint64_t low = reverse && to >= limit ? std::max(from, to - limit + 1) : from;
  if (low < first) return false;
  const uint64_t count = std::min<uint64_t>(limit, to - from + 1);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t dseq = reverse ? to - i : from + i;
    out.entries.push_back(dialog.tail.at(dseq));
  }
  out.more = count < to - from + 1;
  return true;
}

Task<Outcome<Page>> Reader::stored(DialogPtr dialog, uint64_t from, uint64_t to, size_t limit, bool reverse) {
  Outcome<Page> out;
  if (from_tail(*dialog, from, to, limit, reverse, out.value)) co_return out;
  std::string key = dialog->id;
  key += '\0';
  key += storage::key_u64(from) + storage::key_u64(to) + storage::key_u64(limit * 2 + (reverse ? 1 : 0));
  key += storage::key_u64(dialog->erasures);
  const auto it = reading_.find(key);
  if (it != reading_.end()) {
    const auto other = it->second;
    co_await other->wait();
    co_return other->get();
  }
  SharedRead read(reading_, std::move(key));
  Outcome<storage::ScanRows> rows = co_await store_.scan(
      dialog->id,
      {kLogDocs, storage::key_u64(from), storage::key_u64(to + 1), static_cast<uint32_t>(limit), reverse});
  if (rows.ok()) {
    out = decode_page(rows.value.rows, rows.value.more);
  } else {
    out = {LCG_E_BUSY, rows.message, {}};
  }
  read.answer(out);
  co_return out;
}

Task<Outcome<Page>> Reader::page(DialogPtr dialog, std::vector<Window> ranges, size_t limit, bool reverse) {
  Outcome<Page> out;
  size_t bytes = 0;
  if (reverse) std::reverse(ranges.begin(), ranges.end());
  for (const Window& range : ranges) {
    if (out.value.more) break;
    const size_t room = limit - out.value.entries.size();
    if (room == 0) {
      out.value.more = true;
      break;
    }
    Outcome<Page> part = co_await stored(dialog, range.from, range.to, room, reverse);
    if (!part.ok()) co_return part;
    out.value.more = part.value.more;
    for (EntryPtr& entry : part.value.entries) {
      bytes += cost(*entry);
      if (bytes > kMaxPageBytes && !out.value.entries.empty()) {
        out.value.more = true;
        break;
      }
      out.value.entries.push_back(std::move(entry));
    }
  }
  co_return out;
}

Task<Outcome<EntryPtr>> Reader::entry(DialogPtr dialog, uint64_t dseq) {
  Outcome<Page> found = co_await stored(dialog, dseq, dseq, 1, false);
  if (!found.ok()) co_return {found.status, found.message, nullptr};
  if (found.value.entries.empty()) co_return {LCG_E_NOT_FOUND, {}, nullptr};
  co_return {LCG_OK, {}, found.value.entries.front()};
}

// Times of a log never decrease, and an entry's is not before its message was made (Log::place): so the
// search goes back from the end to the first entry that is older than the message.
Task<Outcome<EntryPtr>> Reader::find(DialogPtr dialog, uint64_t message_id) {
  const int64_t made = message::ms_of_id(message_id);
  storage::Pages pages(host_, dialog->id, {kLogDocs, "", "", 0, true}, {.rows = 64});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok()) co_return {LCG_E_BUSY, rows.message, nullptr};
    Outcome<Page> decoded = decode_page(rows.value, false);
    if (!decoded.ok()) co_return {decoded.status, decoded.message, nullptr};
    for (const EntryPtr& entry : decoded.value.entries) {
      if (entry->id == message_id) co_return {LCG_OK, {}, entry};
      if (entry->ts_ms < made) co_return {LCG_OK, {}, nullptr};
    }
  }
  co_return {LCG_OK, {}, nullptr};
}

Task<std::string> Reader::full_json(DialogPtr dialog, EntryPtr entry) {
  if (entry->by_reference()) {
    std::vector<uint64_t> ids{entry->id};
    Reply reply = co_await messages_.bodies(message::slot_of_id(entry->id), std::move(ids));
    wire::Reader r(reply.data);
    const std::string_view body = reply.ok() ? r.str() : std::string_view();
    if (!body.empty()) co_return to_json(*entry, dialog->id, body);
  }
  co_return to_json(*entry, dialog->id);
}

}  // namespace lcg::dialog
