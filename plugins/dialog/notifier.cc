// SPDX-License-Identifier: Apache-2.0
#include "notifier.h"

#include <algorithm>

#include "inbox.h"
#include "lcg/services/storage_pages.hpp"

namespace lcg::dialog {

namespace {

constexpr size_t kParallelCalls = 32;
constexpr uint32_t kTellAtOnce = 512;  // in memory, and taken out of the outbox by one write
constexpr size_t kRecoveriesAtOnce = 16;
constexpr uint32_t kRetryMs = 500;  // after a round in which somebody could not be told
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
  if (has_news(*dialog) || !dialog->outbox.empty()) {
    kick(dialog);
    return true;
  }
  if (host_.now_ns() - dialog->last_use_ns < settings_.idle_time.count() * 1'000'000) return false;
  dialog->dirty = Dialog::Dirty::kChanging;
  if (!host_.spawn(clear_dirty(dialog))) dialog->dirty = Dialog::Dirty::kDirty;
  return true;
}

// Nothing is appended meanwhile: who wants to, waits in list_dirty.
Task<> Notifier::clear_dirty(DialogPtr dialog) {
  bool cleared = false;
  Outcome<storage::ScanRows> left = co_await store_.scan(dialog->id, {kOutboxDocs, "", "", 1, false});
  if (left.ok() && left.value.rows.empty()) {
    storage::Batch batch;
    batch.durable = false;
    batch.erase(kDirtyDocs, dialog->id);
    Reply reply = co_await store_.commit(slot_partition(host_, dialog->id), std::move(batch));
    cleared = reply.ok();
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
  if (dialog->notifying || dialog->gone) return;
  dialog->notifying = true;
  if (!host_.spawn(run(dialog))) dialog->notifying = false;
}

Task<> Notifier::run(DialogPtr dialog) {
  uint64_t crowd = 1;
  if (!dialog->meta.large) crowd = std::max<uint64_t>(1, dialog->meta.member_count / 50);
  const int64_t usual_ms = settings_.notify_delay.count() * static_cast<int64_t>(crowd);
  int64_t delay_ms = usual_ms;
  while (!dialog->gone && has_news(*dialog)) {
    const lcg_status slept = co_await host_.sleep(std::chrono::milliseconds(delay_ms));
    if (slept != LCG_OK || dialog->gone) break;
    const bool all_told = co_await tell(dialog);
    delay_ms = all_told ? usual_ms : kRetryMs;
  }
  dialog->notifying = false;
}

// Membership changes that are not durable yet are told when they are.
bool Notifier::has_news(const Dialog& dialog) {
  return dialog.head > dialog.notified || dialog.outbox.due(dialog.head);
}

Task<bool> Notifier::tell(DialogPtr dialog) {
  const uint64_t head = dialog->head;
  const lcg_status listed = co_await list_dirty(dialog);
  if (listed != LCG_OK) co_return false;
  std::set<std::string> told;
  bool all = co_await tell_queued(dialog, head, &told);
  if (dialog->outbox.store_due(head)) {
    const bool stored = co_await tell_stored(dialog, head);
    all = all && stored;
  }
  if (!dialog->meta.large && head > dialog->notified) {
    const bool crowd = co_await tell_crowd(dialog, std::move(told));
    all = all && crowd;
  }
  if (all) dialog->notified = std::max(dialog->notified, head);
  co_return all;
}

Task<bool> Notifier::tell_queued(DialogPtr dialog, uint64_t head, std::set<std::string>* told) {
  bool all = true;
  while (dialog->usable() && dialog->outbox.queue_due(head)) {
    std::vector<std::string> users = dialog->outbox.take(head, kTellAtOnce);
    if (!dialog->meta.large) told->insert(users.begin(), users.end());
    const bool these = co_await tell_users(dialog, std::move(users), true);
    all = all && these;
  }
  co_return all;
}

Task<bool> Notifier::tell_stored(DialogPtr dialog, uint64_t head) {
  dialog->outbox.store_pass_begins(head);
  storage::Pages pages(host_, dialog->id, {kOutboxDocs, "", ""}, {.rows = kTellAtOnce});
  bool all = true;
  while (dialog->usable() && !pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    std::vector<std::string> users;
    for (storage::Row& row : rows.value) users.push_back(std::move(row.key));
    const bool these = co_await tell_users(dialog, std::move(users), true);
    all = all && these && rows.ok();
  }
  if (!all) dialog->outbox.look_in_store(head);
  dialog->outbox.store_pass_ends();
  co_return all;
}

// `told`: who was told of this head already.
Task<bool> Notifier::tell_crowd(DialogPtr dialog, std::set<std::string> told) {
  const lcg_status known = co_await directory_.know_crowd(dialog);
  if (known != LCG_OK) co_return false;
  std::vector<std::string> users;  // at most Settings::fan_limit
  for (const std::string& user : dialog->crowd)
    if (!told.contains(user)) users.push_back(user);
  co_return co_await tell_users(dialog, std::move(users), false);
}

Task<bool> Notifier::tell_users(DialogPtr dialog, std::vector<std::string> users, bool from_outbox) {
  Round round;
  round.dialog = dialog;
  for (size_t i = 0; i < users.size() && dialog->usable(); i += kParallelCalls) {
    for (size_t j = i; j < std::min(users.size(), i + kParallelCalls); ++j) {
      round.group.add();
      if (host_.spawn(tell_one(&round, std::move(users[j])))) continue;
      round.failed = true;
      round.group.done();
    }
    co_await round.group.wait();
  }
  bool all = !round.failed && dialog->usable();
  if (from_outbox) {
    const bool emptied = co_await empty_outbox(dialog, std::move(round.told));
    all = all && emptied;
    // Who was not told is in the store still.
    if (!all) dialog->outbox.look_in_store(dialog->head);
    dialog->outbox.taken_done();
  }
  co_return all;
}

Task<> Notifier::tell_one(Round* round, std::string user) {
  const Dialog& dialog = *round->dialog;
  Outcome<Member> found = co_await directory_.look(round->dialog, user);
  const Member& member = found.value;
  if (found.status == LCG_E_NOT_FOUND) {
    round->told.push_back({std::move(user), 0, dialog.meta.large});
  } else if (!found.ok()) {
    round->failed = true;
  } else if (member.version <= dialog.head) {  // else a change stands behind this one in the outbox
    Projection p;
    p.user = user;
    p.dialog = dialog.id;
    p.version = member.version;
    p.in = member.in();
    p.role = member.role;
    p.head = dialog.head;
    p.direct = dialog.meta.direct;
    p.large = dialog.meta.large;
    p.title = dialog.meta.title;
    const bool large = p.large;
    Reply reply = co_await host_.call({"dialog", "project", user, encode(p)});
    if (reply.ok()) {
      round->told.push_back({std::move(user), p.version, large});
    } else {
      round->failed = true;
    }
  }
  round->group.done();
}

// Who changed again meanwhile, or has not been told that the dialog is large by now, stays.
Task<bool> Notifier::empty_outbox(DialogPtr dialog, std::vector<Told> told) {
  std::erase_if(told, [&dialog](const Told& item) {
    const auto it = dialog->members.find(item.user);
    const bool changed = it != dialog->members.end() && it->second.version != item.version;
    return changed || item.large != dialog->meta.large;
  });
  if (told.empty() || !dialog->usable()) co_return true;
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
