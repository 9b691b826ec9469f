// SPDX-License-Identifier: Apache-2.0
#include "history.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "refusals.h"

namespace lcg::dialog {

Task<Reply> History::pull(ClientCall call) {
  const size_t limit = std::clamp<size_t>(call.limit == 0 ? 50 : call.limit, 1, kMaxPageEntries);
  Reply paid = budget_.pull(call.user, limit);
  if (!paid.ok()) co_return paid;
  Outcome<DialogPtr> opened = co_await directory_.open(call.dialog);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, call.user);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr || member.value->windows.empty() || member.value->standing == Standing::kBanned)
    co_return denied();

  const uint64_t head = dialog->head;
  const bool reverse = !call.has_from;
  const uint64_t from = call.has_from ? std::max<uint64_t>(call.from, 1) : 1;
  const uint64_t to = call.has_before && call.before <= head ? std::max<uint64_t>(call.before, 1) - 1 : head;
  Outcome<Page> page;
  if (from <= to)
    page = co_await reader_.page(dialog, readable(dialog->meta, *member.value, from, to), limit, reverse);
  if (!page.ok()) co_return busy(page.message);
  std::vector<EntryPtr>& entries = page.value.entries;
  if (reverse) std::reverse(entries.begin(), entries.end());

  std::vector<std::string> items;
  for (const EntryPtr& entry : entries) {
    std::string item = co_await reader_.full_json(dialog, entry);
    items.push_back(std::move(item));
  }
  const std::vector<Window> windows = readable(dialog->meta, *member.value, 1, std::max<uint64_t>(head, 1));
  // A former member's head is the last position he may read.
  json::Writer w;
  w.text("dialog", dialog->id)
      .text("epoch", dialog->meta.epoch)
      .num("head", windows.empty() ? 0 : windows.back().to);
  w.num("first", windows.empty() ? 0 : windows.front().from).boolean("more", page.value.more);
  co_return Reply::with(w.raw("entries", json::array(items)).take());
}

}  // namespace lcg::dialog
