// SPDX-License-Identifier: Apache-2.0
// The part of Membership that is about the dialog as a whole: its title and avatar, and its end.
#include "lcg/json.hpp"
#include "lcg/services/storage_pages.hpp"
#include "membership.h"
#include "refusals.h"

namespace lcg::dialog {

namespace {

constexpr size_t kMaxLate = 500;  // who came in while the others were listed, in the batch of the entry

void append_text(std::string* detail, std::string_view name, std::string_view value) {
  if (!detail->empty()) *detail += ',';
  *detail += '"';
  *detail += name;
  *detail += "\":";
  json::append_quoted(*detail, value);
}

}  // namespace

// Nothing suspends between this and the append.
Reply Membership::check_about(const Dialog& dialog, const std::string& user, Role least) const {
  const auto it = dialog.members.find(user);
  if (it == dialog.members.end() || !it->second.in()) return denied();
  if (dialog.meta.direct) return refused("a direct dialog has no title and no end", chat::code::kDenied);
  if (it->second.role < least) return denied();
  return it->second.muted_until_ms > host_.wall_ms() ? muted(it->second.muted_until_ms) : Reply();
}

Task<Reply> Membership::set(SetRequest request) {
  Outcome<DialogPtr> opened = co_await directory_.open(request.dialog);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> actor = co_await directory_.member(dialog, request.actor);
  if (!actor.ok()) co_return busy(actor.message);
  Reply refusal = check_about(*dialog, request.actor, Role::kAdmin);
  if (!refusal.ok()) co_return refusal;
  const lcg_status dirty = co_await notifier_.ensure_dirty(dialog);
  if (dirty != LCG_OK || !dialog->usable()) co_return busy("the dialog is being read again");

  refusal = check_about(*dialog, request.actor, Role::kAdmin);
  if (!refusal.ok()) co_return refusal;
  Meta& meta = dialog->meta;
  Entry entry;
  if (request.title && *request.title != meta.title) append_text(&entry.detail, "title", *request.title);
  if (request.avatar && *request.avatar != meta.avatar) append_text(&entry.detail, "avatar", *request.avatar);
  if (entry.detail.empty()) co_return Reply::with("{\"seq\":0}");
  if (request.title) meta.title = std::move(*request.title);
  if (request.avatar) meta.avatar = std::move(*request.avatar);
  storage::Batch batch;
  co_return co_await append_about(dialog, std::move(request.actor), "set", std::move(entry),
                                  std::move(batch));
}

// The state of the dialog is the one after it.
Task<Reply> Membership::append_about(DialogPtr dialog, std::string actor, std::string op, Entry entry,
                                     storage::Batch batch) {
  entry.kind = chat::Kind::kMeta;
  entry.user = std::move(actor);
  entry.op = std::move(op);
  log_.place(*dialog, entry);
  const uint64_t dseq = entry.dseq;
  batch.put(kMetaDocs, kMetaKey, encode(dialog->meta));
  const lcg_status status = co_await log_.append(dialog, std::move(entry), std::move(batch));
  if (status != LCG_OK) co_return busy("the store did not answer");
  co_return Reply::with(json::Writer().num("seq", dseq).take());
}

// All who are in are to be told that they are out. They may be more than one batch holds, and that they are listed and
// nothing changes harms nothing: so they are listed before.
Task<lcg_status> Membership::list_all(DialogPtr dialog) {
  storage::Pages pages(host_, dialog->id, {kMemberDocs, "", ""}, {.rows = kListedAtOnce});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok() || !dialog->usable()) co_return LCG_E_BUSY;
    storage::Batch batch;
    batch.durable = false;  // the append that follows is, and covers it
    for (storage::Row& row : rows.value) {
      Member member;
      if (decode(row.value, member) && member.in()) batch.put(kOutboxDocs, std::move(row.key), "");
    }
    if (batch.ops.empty()) continue;
    ++dialog->writes;
    Reply reply = co_await store_.commit(dialog->id, std::move(batch));
    --dialog->writes;
    directory_.write_ended(*dialog);
    if (!reply.ok()) co_return reply.status;
  }
  co_return LCG_OK;
}

Task<Reply> Membership::dissolve(std::string id, std::string user) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> actor = co_await directory_.member(dialog, user);
  if (!actor.ok()) co_return busy(actor.message);
  // The answer to the first time may have been lost.
  if (dialog->meta.ended != 0 && actor.value != nullptr && !actor.value->windows.empty())
    co_return Reply::with("{\"seq\":0}");
  Reply refusal = check_about(*dialog, user, Role::kOwner);
  if (!refusal.ok()) co_return refusal;

  const uint64_t listed_to = dialog->head;
  std::optional<Growing> listing(std::in_place, notifier_, dialog);
  const lcg_status listed = co_await list_all(dialog);
  if (listed != LCG_OK) co_return busy("the members could not be read");
  const lcg_status dirty = co_await notifier_.ensure_dirty(dialog);
  if (dirty != LCG_OK || !dialog->usable()) co_return busy("the dialog is being read again");

  refusal = check_about(*dialog, user, Role::kOwner);
  if (!refusal.ok()) co_return refusal;
  storage::Batch batch;
  for (const auto& [name, member] : dialog->members)
    if (member.in() && member.version > listed_to) batch.put(kOutboxDocs, name, "");
  if (batch.ops.size() > kMaxLate) co_return busy("others come in just now");
  dialog->meta.ended = dialog->submitted + 1;
  dialog->meta.member_count = dialog->meta.owner_count = 0;
  for (auto& [name, member] : dialog->members) end_with(dialog->meta, member);
  dialog->crowd.clear();
  dialog->outbox.look_in_store(dialog->meta.ended);
  listing->applied();
  listing.reset();
  Entry entry;
  Reply ended =
      co_await append_about(dialog, std::move(user), "dissolve", std::move(entry), std::move(batch));
  if (ended.ok()) static_cast<void>(host_.spawn(unsubscribe_all(dialog)));
  co_return ended;
}

// Nothing is published there any more; so it does not matter when.
Task<> Membership::unsubscribe_all(DialogPtr dialog) {
  storage::Pages pages(host_, dialog->id, {kMemberDocs, "", ""}, {.rows = kListedAtOnce});
  while (!pages.done() && !host_.stopping()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    for (const storage::Row& row : rows.value) {
      Member member;
      if (decode(row.value, member) && member.in()) log_.unsubscribe(*dialog, row.key);
    }
  }
}

}  // namespace lcg::dialog
