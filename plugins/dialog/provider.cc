// SPDX-License-Identifier: Apache-2.0
#include "provider.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

namespace {

channel::StreamPublication publication_of(const Dialog& dialog, const Entry& entry) {
  return {entry.dseq, to_json(entry, dialog.id), entry.user, entry.session};
}

}  // namespace

Task<bool> Provider::recover(DialogPtr dialog, const Member* member, uint64_t since, uint32_t limit,
                             channel::StreamPage* page) {
  limit = std::min<uint32_t>(limit, kMaxRecoverEntries);
  size_t bytes = 0;
  for (uint64_t next = since + 1; next <= dialog->head;) {
    const uint64_t head = dialog->head;
    if (head - since > limit) co_return false;
    std::vector<Window> ranges = readable(dialog->meta, *member, next, head);
    if (ranges.size() != 1 || ranges.front().from != next || ranges.front().to != head) co_return false;
    Outcome<Page> part = co_await reader_.page(dialog, std::move(ranges), limit, false);
    if (!part.ok() || part.value.entries.empty()) co_return false;
    for (const EntryPtr& entry : part.value.entries) {
      if (entry->dseq != next++) co_return false;
      page->publications.push_back(publication_of(*dialog, *entry));
      bytes += page->publications.back().data.size();
    }
    if (bytes > kMaxRecoverBytes) co_return false;
  }
  co_return true;
}

Task<Reply> Provider::subscribe(std::string id, channel::SubscribeRequest q) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, q.peer.user_id);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr || !member.value->in()) co_return denied();

  channel::StreamPage page;
  page.epoch = dialog->meta.epoch;
  const bool possible = q.recover && (q.epoch.empty() || q.epoch == page.epoch) && q.offset <= dialog->head;
  const uint64_t missed = possible ? dialog->head - q.offset : 0;
  if (possible && missed <= q.limit && budget_.recover(q.peer.user_id, missed))
    page.recovered = co_await recover(dialog, member.value, q.offset, q.limit, &page);
  if (!page.recovered) page.publications.clear();
  // Membership may have ended while the log was read.
  if (!member.value->in() || !dialog->usable()) co_return busy("try again");
  page.head = dialog->head;
  co_return Reply::with(channel::encode(page));
}

Task<Reply> Provider::publish(std::string id, channel::PublishRequest q) {
  if (q.data.size() > chat::kMaxBodyBytes)
    co_return Reply::error(LCG_E_INVALID, "max_bytes:" + std::to_string(chat::kMaxBodyBytes),
                           chat::code::kTooLarge);
  if (!json::valid(q.data)) co_return invalid("expected a JSON value");
  message::SendRequest send;
  send.key.user = q.peer.user_id;
  send.key.device = q.peer.device_id.empty() ? q.peer.session_id : q.peer.device_id;
  send.key.epoch = q.peer.ephemeral_device ? 0 : q.peer.device_epoch;
  send.key.dialog = std::move(id);
  send.numbered = false;
  send.ephemeral = q.peer.ephemeral_device;
  send.body = json::one_line(q.data);
  send.session = q.peer.session_id;
  if (send.key.device.empty()) {
    send.key.device = "http";
    send.ephemeral = true;
  }
  Reply reply = co_await messages_.send(std::move(send));
  reply.data.clear();
  co_return reply;
}

Task<Reply> Provider::history(std::string id, channel::HistoryRequest q) {
  size_t limit = kMaxRecoverEntries;
  if (q.limit >= 0) limit = std::min<size_t>(limit, static_cast<size_t>(q.limit));
  Reply paid = budget_.pull(q.peer.user_id, limit);
  if (!paid.ok()) co_return paid;
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, q.peer.user_id);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr || !member.value->in()) co_return denied();

  channel::StreamPage page;
  page.epoch = dialog->meta.epoch;
  page.head = dialog->head;
  if (q.has_since && !q.epoch.empty() && q.epoch != page.epoch)
    co_return conflict("unrecoverable position", chat::code::kUnrecoverable);
  if (limit != 0) {
    const bool after = q.has_since && !q.reverse;  // nothing comes after the end of the numbers
    const uint64_t from = after ? std::max(q.since + 1, q.since) : 1;
    const uint64_t to =
        q.has_since && q.reverse && q.since > 0 ? std::min(q.since - 1, page.head) : page.head;
    if (from <= to) {
      Outcome<Page> part =
          co_await reader_.page(dialog, readable(dialog->meta, *member.value, from, to), limit, q.reverse);
      if (!part.ok()) co_return busy(part.message);
      for (const EntryPtr& entry : part.value.entries)
        page.publications.push_back(publication_of(*dialog, *entry));
    }
  }
  co_return Reply::with(channel::encode(page));
}

}  // namespace lcg::dialog
