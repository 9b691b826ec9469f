// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/message_feed.h"

#include <algorithm>
#include <utility>

#include "lcg/json.hpp"
#include "lcg/services/storage_pages.hpp"
#include "plugins/http_callback/event_doc.h"
#include "plugins/http_callback/event_log.h"

namespace lcg::http_callback {
namespace {

// A dialog that is marked and not there may be on its way to the store; after this long it never will be.
constexpr int64_t kUnbornNs = 600'000'000'000;
constexpr size_t kRestingAtOnce = 64;  // dialogs asked for a rest at the same time, per pass

}  // namespace

MessageFeed::MessageFeed(Host host, const EventSettings& settings)
    : host_(host), settings_(settings), store_(host), dialogs_(host), gate_(host, [this](uint32_t slot) {
        return read_slot(slot);
      }) {}

MessageFeed::Mark* MessageFeed::find(uint32_t number, const std::string& dialog) {
  const auto slot = slots_.find(number);
  if (slot == slots_.end()) return nullptr;
  const auto mark = slot->second.marks.find(dialog);
  return mark == slot->second.marks.end() ? nullptr : &mark->second;
}

void MessageFeed::add_news(uint32_t number, const std::string& dialog, Mark& mark, bool first) {
  mark.quiet_since_ns = host_.now_ns();
  if (std::exchange(mark.news, true)) return;
  std::deque<std::string>& news = slots_[number].news;
  if (first) {
    news.push_front(dialog);
  } else {
    news.push_back(dialog);
  }
  news_(number);
}

// Whatever is marked may have entries nobody was told of.
Task<lcg_status> MessageFeed::read_slot(uint32_t number) {
  storage::Pages pages(host_, partition_of(number), {kDialogDocs, "", ""});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok()) co_return rows.status;
    for (const storage::Row& row : rows.value) {
      Mark& mark = slots_[number].marks[row.key];
      mark.position = wire::Reader(row.value).u64();
      add_news(number, row.key, mark, false);
    }
  }
  co_return LCG_OK;
}

Task<Reply> MessageFeed::mark(std::string dialog, uint64_t head) {
  const uint32_t number = host_.slot_of(dialog);
  const lcg_status ready = co_await gate_.ready(number);
  if (ready != LCG_OK) co_return Reply::error(LCG_E_BUSY, "the slot is not ready");
  const auto turn = co_await locks_.acquire(dialog);
  Mark* known = find(number, dialog);
  if (known != nullptr && known->stored) {
    known->quiet_since_ns = host_.now_ns();
    co_return Reply();
  }
  const uint64_t position = known != nullptr ? known->position : head;
  storage::Batch batch;
  batch.durable = false;
  batch.put(kDialogDocs, dialog, wire::Writer().u64(position).take());
  Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
  if (!stored.ok()) co_return Reply::error(LCG_E_BUSY, "the store takes no write now");
  Mark& mark = slots_[number].marks[dialog];
  mark.position = position;
  mark.stored = true;
  mark.quiet_since_ns = host_.now_ns();
  co_return Reply();
}

Reply MessageFeed::moved(const std::string& dialog) {
  const uint32_t number = host_.slot_of(dialog);
  Mark* mark = find(number, dialog);
  if (mark != nullptr) add_news(number, dialog, *mark, false);
  return Reply();
}

bool MessageFeed::has_news(uint32_t number) const {
  const auto it = slots_.find(number);
  return it != slots_.end() && !it->second.news.empty();
}

std::string MessageFeed::to_json(const std::string& dialog, const dialog::FeedEntry& entry) {
  const std::string channel = "dialog:" + dialog;
  json::Writer out;
  out.text("id", "m-" + dialog + "-" + std::to_string(entry.dseq))
      .text("type", entry.message ? "message" : "membership");
  out.num("time", static_cast<uint64_t>(std::max<int64_t>(entry.ts_ms, 0))).text("key", channel);
  out.text("user", entry.user);
  if (!entry.session.empty()) out.text("client", entry.session);
  return out.text("channel", channel).raw("data", entry.json).take();
}

Task<Outcome<EntryPage>> MessageFeed::next(uint32_t number, size_t limit, size_t max_bytes) {
  Outcome<EntryPage> out;
  EntryPage& page = out.value;
  while (has_news(number) && page.events.size() < limit && page.bytes < max_bytes) {
    std::deque<std::string>& news = slots_[number].news;
    const std::string dialog = news.front();
    news.pop_front();
    Mark* mark = find(number, dialog);
    if (mark == nullptr) continue;
    mark->news = false;
    if (mark->out) {  // in this page already: read on when that is acknowledged
      mark->again = true;
      continue;
    }
    const uint64_t after = mark->position;
    const auto room = static_cast<uint32_t>(limit - page.events.size());
    Outcome<dialog::FeedPage> found = co_await dialogs_.feed(dialog, after, room);
    mark = find(number, dialog);
    if (mark == nullptr) continue;
    if (found.status == LCG_E_NOT_FOUND) {
      if (mark->missing_since_ns == 0) mark->missing_since_ns = host_.now_ns();
      continue;
    }
    if (!found.ok()) {
      add_news(number, dialog, *mark, true);
      put_back(number, page);
      co_return {found.status, found.message, {}};
    }
    mark->missing_since_ns = 0;
    uint64_t position = after;
    for (const dialog::FeedEntry& entry : found.value.entries) {
      if (page.bytes >= max_bytes) break;
      page.events.push_back(to_json(dialog, entry));
      page.bytes += page.events.back().size();
      position = entry.dseq;
    }
    if (position == after) continue;
    mark->out = true;
    // What is more is read when this is acknowledged: the next page starts where this one ends.
    page.reached.push_back({dialog, position, position < found.value.head});
  }
  co_return out;
}

void MessageFeed::put_back(uint32_t number, const EntryPage& page) {
  for (auto it = page.reached.rbegin(); it != page.reached.rend(); ++it)
    if (Mark* mark = find(number, it->dialog)) {
      mark->out = mark->again = false;
      add_news(number, it->dialog, *mark, true);
    }
}

Task<lcg_status> MessageFeed::acknowledge(uint32_t number, EntryPage page) {
  storage::Batch batch;
  batch.durable = false;  // lost with the power, it comes to the same entries again, under the same ids
  for (const EntryPage::Reached& reached : page.reached)
    if (find(number, reached.dialog) != nullptr)
      batch.put(kDialogDocs, reached.dialog, wire::Writer().u64(reached.position).take());
  Reply stored = co_await store_.commit(partition_of(number), std::move(batch));
  if (!stored.ok()) {
    put_back(number, page);
    co_return stored.status;
  }
  for (const EntryPage::Reached& reached : page.reached) {
    Mark* mark = find(number, reached.dialog);
    if (mark == nullptr) continue;
    mark->out = false;
    mark->position = reached.position;
    if (std::exchange(mark->again, false) || reached.more) add_news(number, reached.dialog, *mark, false);
  }
  co_return LCG_OK;
}

// --- rest ----------------------------------------------------------------------------------------

void MessageFeed::rest() {
  const int64_t now_ns = host_.now_ns();
  const int64_t rest_ns = std::chrono::nanoseconds(settings_.rest).count();
  size_t asked = 0;
  for (auto& [number, slot] : slots_) {
    for (auto& [dialog, mark] : slot.marks) {
      if (mark.news || mark.resting || mark.out || now_ns - mark.quiet_since_ns < rest_ns) continue;
      if (mark.missing_since_ns != 0 && now_ns - mark.missing_since_ns < kUnbornNs) continue;
      if (++asked > kRestingAtOnce) return;
      mark.resting = host_.spawn(rest_one(number, dialog));
    }
  }
}

Task<> MessageFeed::rest_one(uint32_t number, std::string dialog) {
  co_await host_.yield();  // rest() goes through the marks
  const auto turn = co_await locks_.acquire(dialog);
  Mark* mark = find(number, dialog);
  if (mark == nullptr) co_return;
  const uint64_t position = mark->position;
  const bool unborn = mark->missing_since_ns != 0;
  Reply agreed = co_await dialogs_.feed_rest(dialog, position);
  mark = find(number, dialog);
  if (mark == nullptr) co_return;
  mark->resting = false;
  if (!agreed.ok() && !(unborn && agreed.status == LCG_E_NOT_FOUND)) {
    // Somebody's news was lost on the way, or comes soon; a dialog that cannot be asked is asked later.
    mark->quiet_since_ns = host_.now_ns();
    if (agreed.status == LCG_E_CONFLICT) add_news(number, dialog, *mark, false);
    if (agreed.status == LCG_E_NOT_FOUND) mark->missing_since_ns = host_.now_ns();
    co_return;
  }
  // From here on the dialog marks itself again before it grows, and waits for `turn`.
  mark->stored = false;
  storage::Batch batch;
  batch.durable = false;
  batch.erase(kDialogDocs, dialog);
  Reply erased = co_await store_.commit(partition_of(number), std::move(batch));
  const auto slot = slots_.find(number);
  if (slot == slots_.end()) co_return;
  if (erased.ok()) {
    slot->second.marks.erase(dialog);
  } else if (Mark* left = find(number, dialog)) {
    left->quiet_since_ns = host_.now_ns();
  }
}

}  // namespace lcg::http_callback
