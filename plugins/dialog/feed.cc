// SPDX-License-Identifier: Apache-2.0
#include "feed.h"

#include <algorithm>

#include "refusals.h"

namespace lcg::dialog {

Task<lcg_status> Feed::mark(DialogPtr dialog) {
  while (dialog->mark == Dialog::Mark::kMarking) {
    co_await dialog->mark_changed.wait();
    if (dialog->gone) co_return LCG_E_BUSY;
  }
  if (dialog->mark == Dialog::Mark::kMarked) co_return LCG_OK;
  dialog->mark = Dialog::Mark::kMarking;
  Reply reply = co_await events_.mark(dialog->id, dialog->head);
  dialog->mark = reply.ok() ? Dialog::Mark::kMarked : Dialog::Mark::kUnmarked;
  dialog->mark_changed.pulse();
  if (!reply.ok() && !host_.stopping())
    host_.error(
        "a message is refused: the setting dialog.events wants it delivered, and the service \"events\" "
        "(plugin "
        "http_callback with events.backend) does not answer: " +
        reply.message);
  co_return reply.status;
}

void Feed::appended(const DialogPtr& dialog) {
  if (!settings_.events || dialog->feed_told) return;
  dialog->feed_told = host_.spawn(tell(dialog->id));
}

Task<> Feed::tell(std::string id) {
  // One that is lost is made up for when the deliverer asks for a rest.
  static_cast<void>(co_await events_.moved(std::move(id)));
}

Task<Reply> Feed::page(std::string id, uint64_t after, uint64_t limit) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return Reply::error(opened.status, opened.message);
  const DialogPtr dialog = std::move(opened.value);
  FeedPage answer;
  answer.head = dialog->head;
  if (after < answer.head) {
    std::vector<Window> range{{after + 1, answer.head}};
    const size_t most = std::clamp<uint64_t>(limit, 1, kMaxPageEntries);
    Outcome<Page> found = co_await reader_.page(dialog, std::move(range), most, false);
    if (!found.ok()) co_return busy(found.message);
    for (const EntryPtr& entry : found.value.entries) {
      FeedEntry out;
      out.dseq = entry->dseq;
      out.ts_ms = entry->ts_ms;
      out.message = entry->kind != chat::Kind::kMember && entry->kind != chat::Kind::kMeta;
      out.user = entry->user;
      out.session = entry->session;
      out.json = co_await reader_.full_json(dialog, entry);
      answer.entries.push_back(std::move(out));
    }
  }
  const uint64_t read_to = answer.entries.empty() ? after : answer.entries.back().dseq;
  dialog->feed_told = read_to < dialog->head;
  answer.head = dialog->head;
  co_return Reply::with(encode(answer));
}

// Nothing suspends between the look and the agreement, so whoever appends next sees that a mark is needed.
Task<Reply> Feed::rest(std::string id, uint64_t at) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return Reply::error(opened.status, opened.message);
  Dialog& dialog = *opened.value;
  const bool quiet = dialog.usable() && dialog.idle() && dialog.pending.empty() && dialog.head == at;
  if (!quiet || dialog.mark == Dialog::Mark::kMarking)
    co_return Reply::error(LCG_E_CONFLICT, "entries are there or on their way");
  dialog.mark = Dialog::Mark::kUnmarked;
  dialog.feed_told = false;
  co_return Reply();
}

}  // namespace lcg::dialog
