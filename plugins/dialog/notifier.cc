// SPDX-License-Identifier: Apache-2.0
#include "notifier.h"

#include <algorithm>
#include <utility>

#include "inbox.h"
#include "lcg/busy.hpp"
#include "lcg/services/storage_pages.hpp"

namespace lcg::dialog {

namespace {

constexpr size_t kParallelCalls = 32;
constexpr uint32_t kTellAtOnce = 512;  // in memory, and taken out of the outbox by one write
constexpr size_t kRecoveriesAtOnce = 16;
constexpr int64_t kRetryMs = 500, kMaxRetryMs = 30'000;  // who could not be told: twice as long each time
static_assert(kTellAtOnce <= storage::kMaxBatchOps);

std::string slot_partition(const Host& host, const std::string& id) {
  return "@" + std::to_string(host.slot_of(id));
}

}  // namespace

// --- the list of dirty dialogs -------------------------------------------------------------------

Task<lcg_status> Notifier::list_dirty(DialogPtr dialog) {
  for (;;) {
    if (dialog->gone) co_return LCG_E_BUSY;
    if (dialog->dirty == Dialog::Dirty::kDirty) co_return LCG_OK;
    if (dialog->dirty == Dialog::Dirty::kChanging) {
      co_await dialog->dirty_changed.wait();
      continue;
    }
    dialog->dirty = Dialog::Dirty::kChanging;
    dialog->dirty_mark = host_.random_bytes(8);
    storage::Batch batch;
    batch.durable = false;  // the append that follows is, and covers it
    batch.put(kDirtyDocs, dialog->id, dialog->dirty_mark);
    Reply reply = co_await store_.commit(slot_partition(host_, dialog->id), std::move(batch));
    dialog->dirty = reply.ok() ? Dialog::Dirty::kDirty : Dialog::Dirty::kClean;
    dialog->dirty_changed.pulse();
    if (!reply.ok()) co_return reply.status;
  }
}

Task<lcg_status> Notifier::ensure_dirty(DialogPtr dialog) {
  for (;;) {
    const lcg_status listed = co_await list_dirty(dialog);
    if (listed != LCG_OK) co_return listed;
    if (!feed_.needs_mark(*dialog)) co_return LCG_OK;
    const lcg_status marked = co_await feed_.mark(dialog);
    if (marked != LCG_OK) co_return marked;
  }
}

bool Notifier::rest(const DialogPtr& dialog) {
  if (dialog->dirty != Dialog::Dirty::kDirty || dialog->gone || dialog->notifying || !dialog->idle())
    return false;
  if (has_news(*dialog)) {
    kick(dialog);
    return true;
  }
  if (!dialog->missed.empty() || !dialog->outbox.empty()) return false;  // their time comes
  if (host_.now_ns() - dialog->last_use_ns < settings_.idle_time.count() * 1'000'000) return false;
  dialog->dirty = Dialog::Dirty::kChanging;
  if (!host_.spawn(clear_dirty(dialog))) dialog->dirty = Dialog::Dirty::kDirty;
  return true;
}

// Nothing is appended meanwhile: who wants to, waits in list_dirty.
Task<> Notifier::clear_dirty(DialogPtr dialog) {
  bool cleared = false;
  Outcome<storage::ScanRows> left = co_await store_.scan(dialog->id, {kOutboxDocs, "", "", 1, false});
  if (dialog->gone) co_return;  // the list is for the object that stands for the dialog now
  if (left.ok() && left.value.rows.empty()) {
    storage::Batch batch;
    batch.durable = false;
    batch.require_equals(kDirtyDocs, dialog->id, dialog->dirty_mark).erase(kDirtyDocs, dialog->id);
    Reply reply = co_await store_.commit(slot_partition(host_, dialog->id), std::move(batch));
    // A conflict: it is listed by somebody else, or not at all. Then this object has to list it anew.
    cleared = reply.ok() || reply.status == LCG_E_CONFLICT;
  } else if (left.ok()) {
    dialog->outbox.look_in_store(dialog->head);
  }
  dialog->dirty = cleared ? Dialog::Dirty::kClean : Dialog::Dirty::kDirty;
  dialog->dirty_changed.pulse();
}

// --- after a crash -------------------------------------------------------------------------------

void Notifier::recover(std::string id, std::string mark) {
  recoveries_.push_back({std::move(id), std::move(mark)});
  if (recovering_ == kRecoveriesAtOnce) return;
  ++recovering_;
  if (!host_.spawn(recover_all())) --recovering_;
}

Task<> Notifier::recover_all() {
  co_await host_.yield();  // the slot is still being read
  while (!recoveries_.empty() && !host_.stopping()) {
    Recovery next = std::move(recoveries_.front());
    recoveries_.pop_front();
    const bool done = co_await recover_one(next);
    if (done) continue;
    recoveries_.push_back(std::move(next));
    co_await host_.sleep(kRetryMs);  // returns at once when stopping
  }
  --recovering_;
}

Task<bool> Notifier::recover_one(Recovery recovery) {
  Outcome<DialogPtr> opened = co_await directory_.open(recovery.id);
  if (opened.ok()) {
    unsettled(opened.value);
    co_return true;
  }
  if (opened.status != LCG_E_NOT_FOUND) co_return false;
  // Its creation never came to be. Another one may be on its way, under a mark of its own.
  storage::Batch batch;
  batch.durable = false;
  batch.require_equals(kDirtyDocs, recovery.id, recovery.mark).erase(kDirtyDocs, recovery.id);
  Reply reply = co_await store_.commit(slot_partition(host_, recovery.id), std::move(batch));
  co_return reply.ok() || reply.status == LCG_E_CONFLICT;
}

void Notifier::unsettled(const DialogPtr& dialog) {
  dialog->outbox.look_in_store(0);
  dialog->notified = 0;
  kick(dialog);
}

// --- telling -------------------------------------------------------------------------------------

void Notifier::kick(const DialogPtr& dialog) {
  feed_.appended(dialog);
  if (!dialog->notifying && !dialog->gone) host_.spawn(run(dialog));
}

Task<> Notifier::run(DialogPtr dialog) {
  const Busy busy(dialog->notifying);
  uint64_t crowd = 1;
  if (!dialog->meta.large) crowd = std::max<uint64_t>(1, dialog->meta.member_count / 50);
  const int64_t usual_ms = settings_.notify_delay.count() * static_cast<int64_t>(crowd);
  int64_t delay_ms = usual_ms;
  while (!dialog->gone && has_news(*dialog)) {
    const lcg_status slept = co_await host_.sleep(std::chrono::milliseconds(delay_ms));
    if (slept != LCG_OK || dialog->gone) break;
    const bool told = co_await tell(dialog);
    delay_ms = told ? usual_ms : kRetryMs;
  }
}

bool Notifier::may_retry(const Dialog& dialog) const { return host_.now_ns() >= dialog.retry_ns; }

// Membership changes that are not durable yet are told when they are.
bool Notifier::has_news(const Dialog& dialog) const {
  if (dialog.head > dialog.notified || dialog.outbox.queue_due(dialog.head)) return true;
  return may_retry(dialog) && (!dialog.missed.empty() || dialog.outbox.store_due(dialog.head));
}

// Whoever cannot be told delays nobody else's news, and makes nobody be told twice.
Task<bool> Notifier::tell(DialogPtr dialog) {
  const uint64_t head = dialog->head;
  const lcg_status listed = co_await list_dirty(dialog);
  if (listed != LCG_OK) co_return false;
  std::set<std::string> told;
  while (dialog->usable() && dialog->outbox.queue_due(head)) {
    std::vector<std::string> users = dialog->outbox.take(head, kTellAtOnce);
    if (!dialog->meta.large) told.insert(users.begin(), users.end());
    co_await tell_users(dialog, std::move(users), true);
    dialog->outbox.taken_done();
  }
  bool all = true;
  if (!dialog->meta.large && head > dialog->notified) all = co_await tell_crowd(dialog, std::move(told));
  if (all && dialog->usable()) dialog->notified = std::max(dialog->notified, head);
  if (may_retry(*dialog)) co_await retry(dialog, head);
  co_return all;
}

Task<> Notifier::retry(DialogPtr dialog, uint64_t head) {
  std::vector<std::string> listed, others;
  for (const auto& [user, from_outbox] : dialog->missed) (from_outbox ? listed : others).push_back(user);
  dialog->retry_ns = 0;
  co_await tell_users(dialog, std::move(others), false);
  co_await tell_users(dialog, std::move(listed), true);
  if (dialog->outbox.store_due(head)) co_await tell_stored(dialog, head);
  if (dialog->retry_ns == 0) dialog->retry_delay_ms = 0;
}

void Notifier::retry_later(Dialog& dialog) const {
  if (dialog.retry_ns > host_.now_ns()) return;
  dialog.retry_delay_ms = std::clamp(dialog.retry_delay_ms * 2, kRetryMs, kMaxRetryMs);
  dialog.retry_ns = host_.now_ns() + dialog.retry_delay_ms * 1'000'000;
}

Task<> Notifier::tell_stored(DialogPtr dialog, uint64_t head) {
  dialog->outbox.store_pass_begins(head);
  storage::Pages pages(host_, dialog->id, {kOutboxDocs, "", ""}, {.rows = kTellAtOnce});
  bool read = true;
  while (dialog->usable() && !pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    read = read && rows.ok();
    std::vector<std::string> users;
    for (storage::Row& row : rows.value)
      if (!dialog->missed.contains(row.key)) users.push_back(std::move(row.key));
    co_await tell_users(dialog, std::move(users), true);
  }
  if (!read) {
    dialog->outbox.look_in_store(head);
    retry_later(*dialog);
  }
  dialog->outbox.store_pass_ends();
}

// `told`: who was told of this head already. False: the crowd is not known.
Task<bool> Notifier::tell_crowd(DialogPtr dialog, std::set<std::string> told) {
  const lcg_status known = co_await directory_.know_crowd(dialog);
  if (known != LCG_OK) co_return false;
  std::vector<std::string> users;  // about Settings::fan_limit
  for (const std::string& user : dialog->crowd)
    if (!told.contains(user) && !dialog->missed.contains(user)) users.push_back(user);
  co_await tell_users(dialog, std::move(users), false);
  co_return true;
}

Task<> Notifier::tell_users(DialogPtr dialog, std::vector<std::string> users, bool from_outbox) {
  Round round;
  round.dialog = dialog;
  for (size_t i = 0; i < users.size() && dialog->usable(); i += kParallelCalls) {
    for (size_t j = i; j < std::min(users.size(), i + kParallelCalls); ++j) {
      round.group.add();
      if (host_.spawn(tell_one(&round, users[j]))) continue;
      round.failed.push_back(users[j]);
      round.group.done();
    }
    co_await round.group.wait();
  }
  bool look = false;
  if (from_outbox) {
    const bool emptied = co_await empty_outbox(dialog, std::move(round.told));
    look = !emptied;  // who could not be taken out is in the store still
  }
  if (!dialog->usable()) co_return;
  for (const std::string& user : users) dialog->missed.erase(user);
  for (std::string& user : round.failed) {
    if (!from_outbox || dialog->missed.size() < kMaxOutbox) {
      dialog->missed[std::move(user)] = from_outbox;
    } else {
      look = true;
    }
  }
  if (look) dialog->outbox.look_in_store(dialog->head);
  if (look || !round.failed.empty()) retry_later(*dialog);
}

Task<> Notifier::tell_one(Round* round, std::string user) {
  const Dialog& dialog = *round->dialog;
  Outcome<Member> found = co_await directory_.look(round->dialog, user);
  const Member& member = found.value;
  if (found.status == LCG_E_NOT_FOUND) {
    round->told.push_back({std::move(user), 0, dialog.meta.large});
  } else if (!found.ok()) {
    round->failed.push_back(std::move(user));
  } else if (member.version <= dialog.head) {  // else a change stands behind this one in the outbox
    const Told told{user, member.version, dialog.meta.large};
    const lcg_status status = co_await project(round->dialog, user, member);
    if (status == LCG_OK) {
      round->told.push_back(told);
    } else {
      round->failed.push_back(std::move(user));
    }
  }
  round->group.done();
}

// A list that knows of a later mark than the dialog says so: then what is unread is counted again above it. Of a large
// dialog nothing is counted: the list asks when it is read.
Task<lcg_status> Notifier::project(DialogPtr dialog, std::string user, Member member) {
  for (int tries = 0;; ++tries) {
    Projection p;
    p.user = user;
    p.dialog = dialog->id;
    p.version = member.version;
    p.in = member.in();
    p.role = member.role;
    p.by = member.by;
    p.head = dialog->head;
    p.direct = dialog->meta.direct;
    p.large = dialog->meta.large;
    p.title = dialog->meta.title;
    p.avatar = dialog->meta.avatar;
    p.read = member.read;
    if (p.in && !p.large) {
      Outcome<Unread> unread = co_await counter_.unread(dialog, user, member);
      if (!unread.ok()) co_return LCG_E_BUSY;
      p.counted = true;
      p.head = unread.value.head;
      p.unread = unread.value.count;
      p.more = unread.value.more;
    }
    Reply reply = co_await host_.call({"dialog", "project", user, encode(p)});
    if (!reply.ok()) co_return LCG_E_BUSY;
    wire::Reader r(reply.data);
    const uint64_t read = r.u64();
    if (!p.counted || !r.ok() || std::min(read, p.head) <= p.read) co_return LCG_OK;
    if (tries > 0) co_return LCG_E_BUSY;
    co_await marks_.raise(dialog, user, read);
    Outcome<Member> again = co_await directory_.look(dialog, user);
    if (!again.ok()) co_return LCG_E_BUSY;
    member = std::move(again.value);
  }
}

// Who changed again meanwhile, or has not been told that the dialog is large by now, stays.
Task<bool> Notifier::empty_outbox(DialogPtr dialog, std::vector<Told> told) {
  std::erase_if(told, [&dialog](const Told& item) {
    const auto it = dialog->members.find(item.user);
    const bool changed = it != dialog->members.end() && it->second.version != item.version;
    return changed || item.large != dialog->meta.large;
  });
  if (told.empty() || !dialog->usable()) co_return true;
  if (dialog->growing > 0) co_return true;  // all are looked for in the store when it has grown
  storage::Batch batch;
  batch.durable = false;
  for (Told& item : told) batch.erase(kOutboxDocs, std::move(item.user));
  ++dialog->writes;
  Reply reply = co_await store_.commit(dialog->id, std::move(batch));
  --dialog->writes;
  directory_.write_ended(*dialog);
  co_return reply.ok();
}

}  // namespace lcg::dialog
