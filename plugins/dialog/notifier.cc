// SPDX-License-Identifier: Apache-2.0
#include "notifier.h"

#include <algorithm>

#include "inbox.h"

namespace lcg::dialog {

namespace {
constexpr size_t kParallelCalls = 32;
constexpr uint32_t kRetryMs = 500;  // after a round in which somebody could not be told
}  // namespace

Task<lcg_status> Notifier::write_dirty(std::string id, bool dirty) {
  storage::Batch batch;
  batch.durable = false;  // the append that follows is, and covers it
  if (dirty) {
    batch.put(kDirtyDocs, id, "");
  } else {
    batch.erase(kDirtyDocs, id);
  }
  Reply reply = co_await store_.commit("@" + std::to_string(host_.slot_of(id)), std::move(batch));
  co_return reply.status;
}

Task<lcg_status> Notifier::ensure_dirty(DialogPtr dialog) {
  for (;;) {
    if (dialog->dirty == Dialog::Dirty::kChanging) {
      co_await dialog->dirty_changed.wait();
      if (dialog->gone) co_return LCG_E_BUSY;
      continue;
    }
    if (dialog->dirty == Dialog::Dirty::kClean) {
      dialog->dirty = Dialog::Dirty::kChanging;
      const lcg_status status = co_await write_dirty(dialog->id, true);
      dialog->dirty = status == LCG_OK ? Dialog::Dirty::kDirty : Dialog::Dirty::kClean;
      dialog->dirty_changed.pulse();
      if (status != LCG_OK) co_return status;
      continue;
    }
    if (!feed_.needs_mark(*dialog)) co_return LCG_OK;
    const lcg_status marked = co_await feed_.mark(dialog);
    if (marked != LCG_OK) co_return marked;
  }
}

void Notifier::kick(const DialogPtr& dialog) {
  feed_.appended(dialog);
  if (dialog->notifying || dialog->gone) return;
  dialog->notifying = true;
  if (!host_.spawn(run(dialog))) dialog->notifying = false;
}

Task<> Notifier::run(DialogPtr dialog) {
  uint64_t crowd = 1;
  if (!dialog->meta.large) crowd = std::max<uint64_t>(1, dialog->meta.member_count / 50);
  int64_t delay_ms = settings_.notify_delay.count() * static_cast<int64_t>(crowd);
  while (!dialog->gone && has_news(*dialog)) {
    const lcg_status slept = co_await host_.sleep(std::chrono::milliseconds(delay_ms));
    if (slept != LCG_OK || dialog->gone) break;
    const uint64_t head = dialog->head;
    const bool all_told = co_await tell(dialog, head);
    if (all_told) dialog->notified = std::max(dialog->notified, head);
    delay_ms = all_told ? settings_.notify_delay.count() * static_cast<int64_t>(crowd) : kRetryMs;
  }
  dialog->notifying = false;
}

// Membership changes that are not durable yet are told when they are.
bool Notifier::has_news(const Dialog& dialog) {
  if (dialog.head > dialog.notified) return true;
  for (const auto& [user, version] : dialog.outbox)
    if (version <= dialog.head) return true;
  return false;
}

Task<bool> Notifier::tell(DialogPtr dialog, uint64_t head) {
  std::vector<std::string> users;
  for (const auto& [user, version] : dialog->outbox)
    if (version <= head) users.push_back(user);
  if (!dialog->meta.large && head > dialog->notified) {
    for (const auto& [user, member] : dialog->members)
      if (member.in() && !dialog->outbox.contains(user)) users.push_back(user);
  }
  Told told;
  for (size_t i = 0; i < users.size(); i += kParallelCalls) {
    WaitGroup group;
    for (size_t j = i; j < std::min(users.size(), i + kParallelCalls); ++j) {
      group.add();
      if (!host_.spawn(tell_one(dialog, users[j], head, &group, &told))) group.done();
    }
    co_await group.wait();
  }
  const bool all = told.size() == users.size();
  const bool emptied = co_await empty_outbox(dialog, std::move(told));
  co_return all&& emptied;
}

Task<> Notifier::tell_one(DialogPtr dialog, std::string user, uint64_t head, WaitGroup* group, Told* told) {
  Outcome<Member*> member = co_await directory_.member(dialog, user);
  if (member.ok() && member.value == nullptr) told->emplace_back(user, 0);
  if (member.ok() && member.value != nullptr) {
    Projection p;
    p.user = user;
    p.dialog = dialog->id;
    p.version = member.value->version;
    p.in = member.value->in();
    p.role = member.value->role;
    p.head = head;
    p.direct = dialog->meta.direct;
    p.large = dialog->meta.large;
    p.title = dialog->meta.title;
    Reply reply = co_await host_.call({"dialog", "project", user, encode(p)});
    if (reply.ok()) told->emplace_back(std::move(user), p.version);
  }
  group->done();
}

// A membership that changed again meanwhile stays.
Task<bool> Notifier::empty_outbox(DialogPtr dialog, Told told) {
  std::erase_if(told, [&dialog](const auto& item) {
    const auto it = dialog->outbox.find(item.first);
    return it == dialog->outbox.end() || it->second != item.second;
  });
  if (told.size() > storage::kMaxBatchOps) told.resize(storage::kMaxBatchOps);
  if (told.empty()) co_return true;
  storage::Batch batch;
  batch.durable = false;
  for (const auto& [user, version] : told) batch.erase(kOutboxDocs, user);
  ++dialog->writes;
  Reply reply = co_await store_.commit(dialog->id, std::move(batch));
  --dialog->writes;
  directory_.write_ended(*dialog);
  if (!reply.ok()) co_return false;
  for (const auto& [user, version] : told) {
    const auto it = dialog->outbox.find(user);
    if (it != dialog->outbox.end() && it->second == version) dialog->outbox.erase(it);
  }
  co_return true;
}

void Notifier::recover(std::string id) { host_.spawn(run_recovery(std::move(id))); }

Task<> Notifier::run_recovery(std::string id) {
  co_await host_.yield();  // the slot is still being read
  for (;;) {
    Outcome<DialogPtr> opened = co_await directory_.open(id);
    if (opened.ok()) {
      const DialogPtr dialog = std::move(opened.value);
      Outcome<storage::ScanRows> rows =
          co_await store_.scan(id, {kOutboxDocs, "", "", storage::kMaxScanRows, false});
      if (rows.ok() && !dialog->gone) {
        for (storage::Row& row : rows.value.rows) {
          Outcome<Member*> member = co_await directory_.member(dialog, row.key);
          if (member.ok() && member.value != nullptr) dialog->outbox.emplace(row.key, member.value->version);
        }
        dialog->dirty = Dialog::Dirty::kDirty;
        dialog->dirty_changed.pulse();
        dialog->notified = 0;
        kick(dialog);
        co_return;
      }
    } else if (opened.status == LCG_E_NOT_FOUND) {
      const lcg_status cleared = co_await write_dirty(id, false);  // its creation never came to be
      if (cleared == LCG_OK) co_return;
    }
    const lcg_status slept = co_await host_.sleep(kRetryMs);
    if (slept != LCG_OK) co_return;
  }
}

void Notifier::rest(const DialogPtr& dialog) {
  if (dialog->dirty != Dialog::Dirty::kDirty || dialog->gone || dialog->notifying || !dialog->idle()) return;
  if (has_news(*dialog) || !dialog->outbox.empty()) {
    kick(dialog);
    return;
  }
  if (host_.now_ns() - dialog->last_use_ns < settings_.idle_time.count() * 1'000'000) return;
  dialog->dirty = Dialog::Dirty::kChanging;
  if (!host_.spawn(clear_dirty(dialog))) dialog->dirty = Dialog::Dirty::kDirty;
}

Task<> Notifier::clear_dirty(DialogPtr dialog) {
  const lcg_status status = co_await write_dirty(dialog->id, false);
  dialog->dirty = status == LCG_OK ? Dialog::Dirty::kClean : Dialog::Dirty::kDirty;
  dialog->dirty_changed.pulse();
}

}  // namespace lcg::dialog
