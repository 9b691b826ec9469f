// SPDX-License-Identifier: Apache-2.0
#include "inbox.h"

#include <algorithm>

#include "lcg/channel_name.hpp"
#include "lcg/json.hpp"
#include "lcg/services/message.hpp"
#include "marks.h"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

namespace {

constexpr size_t kMaxCachedUsers = 65'536;
constexpr uint32_t kParallelLookups = 16;  // dialogs asked at once

std::string to_json(const UserDialog& d) {
  json::Writer w;
  w.text("dialog", d.dialog).text("kind", d.direct ? "direct" : "group");
  if (!d.title.empty()) w.text("title", d.title);
  if (!d.avatar.empty()) w.text("avatar", d.avatar);
  w.boolean("member", d.in).text("role", role_name(d.role)).num("head", d.head).num("read", d.read);
  if (d.in && !d.shown()) w.boolean("hidden", true);
  if (d.quiet_until_ms != 0) w.num("quiet_until", static_cast<uint64_t>(d.quiet_until_ms));
  if (d.counted || !d.in) w.num("unread", d.in ? d.unread : 0);
  if (d.counted && d.in && d.more) w.boolean("unread_more", true);
  return w.num("iseq", d.iseq).take();
}

// What the dialog says of itself.
void take(const Marked& now, UserDialog* d) {
  d->read = std::max(d->read, now.read);
  d->head = std::max(d->head, now.unread.head);
  d->title = now.title;
  d->avatar = now.avatar;
  d->counted = true;
  d->unread = now.unread.count;
  d->more = now.unread.more;
}

std::string array_of(const std::vector<UserDialog>& dialogs) {
  std::vector<std::string> items;
  items.reserve(dialogs.size());
  for (const UserDialog& d : dialogs) items.push_back(to_json(d));
  return json::array(items);
}

}  // namespace

std::string encode(const Projection& p) {
  wire::Writer w;
  w.str(p.user).str(p.dialog).u64(p.version).boolean(p.in).u64(static_cast<uint64_t>(p.role)).u64(p.head);
  w.boolean(p.direct).boolean(p.large).str(p.title).str(p.by);
  return w.u64(p.read).boolean(p.counted).u64(p.unread).boolean(p.more).str(p.avatar).take();
}

bool decode(std::string_view data, Projection& p) {
  wire::Reader r(data);
  p.user = r.str();
  p.dialog = r.str();
  p.version = r.u64();
  p.in = r.boolean();
  const uint64_t role = r.u64();
  p.role = static_cast<Role>(role);
  p.head = r.u64();
  p.direct = r.boolean();
  p.large = r.boolean();
  p.title = r.str();
  if (!r.at_end()) p.by = r.str();
  if (!r.at_end()) {  // of a node that runs an older version
    p.read = r.u64();
    p.counted = r.boolean();
    p.unread = r.u64();
    p.more = r.boolean();
    p.avatar = r.str();
  }
  return r.ok() && role <= 2;
}

std::string encode(const UserDialog& d) {
  wire::Writer w;
  w.str(d.dialog).u64(d.version).boolean(d.in).u64(static_cast<uint64_t>(d.role)).u64(d.head).u64(d.read);
  w.u64(d.iseq).boolean(d.direct).boolean(d.large).str(d.title).u64(d.hidden).str(d.by).u64(d.came);
  w.boolean(d.counted).boolean(d.more).u64(d.unread).str(d.avatar);
  return w.u64(static_cast<uint64_t>(d.quiet_until_ms)).take();
}

bool decode(std::string_view data, UserDialog& d) {
  wire::Reader r(data);
  d.dialog = r.str();
  d.version = r.u64();
  d.in = r.boolean();
  const uint64_t role = r.u64();
  d.role = static_cast<Role>(role);
  d.head = r.u64();
  d.read = r.u64();
  d.iseq = r.u64();
  d.direct = r.boolean();
  d.large = r.boolean();
  d.title = r.str();
  if (!r.at_end()) d.hidden = r.u64();
  if (!r.at_end()) d.by = r.str();
  if (!r.at_end()) d.came = r.u64();
  if (!r.at_end()) {
    d.counted = r.boolean();
    d.more = r.boolean();
    d.unread = r.u64();
    d.avatar = r.str();
    d.quiet_until_ms = static_cast<int64_t>(r.u64());
  }
  return r.ok() && role <= 2;
}

void Inbox::lost(uint32_t slot) { iseq_.erase(slot); }

Task<Outcome<uint64_t>> Inbox::last_iseq(std::string user) {
  const uint32_t slot = host_.slot_of(user);
  const auto it = iseq_[slot].find(user);
  if (it != iseq_[slot].end()) co_return {LCG_OK, {}, it->second};
  Outcome<storage::ScanRows> rows = co_await store_.scan(user, {kUserChangeDocs, "", "", 1, true});
  if (!rows.ok()) co_return {LCG_E_BUSY, rows.message, 0};
  const uint64_t last = rows.value.rows.empty() ? 0 : storage::u64_of_key(rows.value.rows.front().key);
  Given& given = iseq_[slot];
  const size_t share = kMaxCachedUsers * host_.instance_count() / host_.slot_count();
  if (given.size() >= std::max<size_t>(share, 16)) given.erase(given.begin());
  uint64_t& cached = given[user];
  cached = std::max(cached, last);
  co_return {LCG_OK, {}, cached};
}

Task<Outcome<UserDialog>> Inbox::find(std::string user, std::string dialog) {
  Reply reply = co_await store_.get(std::move(user), kUserDialogDocs, std::move(dialog));
  Outcome<UserDialog> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<lcg_status> Inbox::store(std::string user, UserDialog changed, uint64_t old_iseq, Before before) {
  storage::Batch batch;
  batch.durable = false;
  if (before != Before::kIn || !changed.in) {
    const lcg_status counted = co_await recount(user, changed, old_iseq, before, &batch);
    if (counted != LCG_OK) co_return counted;
  }
  const std::string document = encode(changed);
  batch.put(kUserDialogDocs, changed.dialog, document);
  if (old_iseq != 0) batch.erase(kUserChangeDocs, storage::key_u64(old_iseq));
  batch.put(kUserChangeDocs, storage::key_u64(changed.iseq), document);
  if (changed.large && changed.in) {
    batch.put(kUserLargeDocs, changed.dialog, "");
  } else {
    batch.erase(kUserLargeDocs, changed.dialog);
  }
  Reply reply = co_await store_.commit(std::move(user), std::move(batch));
  co_return reply.status;
}

// Milliseconds since 2024 times 1,024: below 2^53, and above what a power loss may have taken back.
uint64_t Inbox::next_iseq(const std::string& user, uint64_t last) {
  const auto now = static_cast<uint64_t>(std::max<int64_t>(0, host_.wall_ms()));
  const uint64_t by_clock = now > message::kIdEpochMs ? (now - message::kIdEpochMs) << 10 : 0;
  return iseq_[host_.slot_of(user)][user] = std::max(last + 1, by_clock);
}

Task<Reply> Inbox::project(Projection p) {
  const auto turn = co_await users_.acquire(p.user);
  Outcome<UserDialog> found = co_await find(p.user, p.dialog);
  if (!found.ok() && found.status != LCG_E_NOT_FOUND) co_return busy(found.message);
  UserDialog d = std::move(found.value);
  const uint64_t old_iseq = d.iseq;
  Before before = Before::kAbsent;
  if (found.ok()) before = d.in ? Before::kIn : Before::kLeft;
  const bool membership = p.version > d.version || !found.ok();
  const bool shape = p.large != d.large || p.title != d.title || p.avatar != d.avatar;
  if (!found.ok() && !p.in) co_return Reply();  // never was in the list
  Reply answer = Reply::with(wire::Writer().u64(std::max(p.read, d.read)).take());
  // What is unread goes with the head and the mark it was counted of.
  const bool fits = p.counted && p.head >= d.head && p.read >= d.read;
  const bool behind = p.counted && p.read < std::min(d.read, p.head);
  const bool count = fits && (!d.counted || p.unread != d.unread || p.more != d.more || p.read != d.read);
  const bool head = p.head > d.head && !behind;
  if (!membership && !head && !shape && !count) co_return answer;

  Outcome<uint64_t> last = co_await last_iseq(p.user);
  if (!last.ok()) co_return busy(last.message);
  d.dialog = p.dialog;
  d.iseq = next_iseq(p.user, last.value);
  if (membership) {
    d.version = p.version;
    if (p.in && before != Before::kIn) {  // else it is counted already
      d.by = std::move(p.by);
      d.came = d.iseq;
    }
    d.in = p.in;
    d.role = p.role;
  }
  if (!behind) d.head = std::max(d.head, p.head);
  if (fits) {
    d.counted = true;
    d.unread = p.unread;
    d.more = p.more;
    d.read = p.read;
  }
  d.direct = p.direct;
  d.large = p.large;
  if (p.large) d.counted = false;  // the dialog is asked when it is listed
  d.title = std::move(p.title);
  d.avatar = std::move(p.avatar);
  const lcg_status stored = co_await store(p.user, d, old_iseq, before);
  if (stored != LCG_OK) co_return busy("the store did not answer");
  hint(p.user, d, membership ? "member" : "hint");
  co_return answer;
}

void Inbox::hint(const std::string& user, const UserDialog& d, std::string_view type) {
  json::Writer w;
  w.text("type", type).text("dialog", d.dialog).num("head", d.head).num("read", d.read);
  if (d.counted && d.in) w.num("unread", d.unread);
  if (d.counted && d.in && d.more) w.boolean("unread_more", true);
  if (d.quiet_until_ms != 0) w.num("quiet_until", static_cast<uint64_t>(d.quiet_until_ms));
  if (type == "member") w.boolean("member", d.in).text("role", role_name(d.role));
  Publication publication;
  publication.channel = "#" + user_in_channel(user);
  publication.data = w.num("iseq", d.iseq).take();
  publication.flags = LCG_PUB_NO_HISTORY;
  // Lost when nobody listens or nothing has room: sync tells the same.
  static_cast<void>(host_.publish_and_forget(publication));
}

// Of all of them, whoever put the user into them: the caller has no more than one page.
Task<> Inbox::refresh(std::string user, std::vector<UserDialog>* dialogs, size_t* looked_at) {
  uint32_t asked = 0;
  WaitGroup group;
  for (UserDialog& d : *dialogs) {
    if (!d.in || (!d.large && d.counted)) continue;
    d.counted = false;
    group.add();
    if (!host_.spawn(refresh_one(user, &d, &group, looked_at))) group.done();
    if (++asked % kParallelLookups == 0) co_await group.wait();
  }
  co_await group.wait();
}

Task<> Inbox::refresh_one(std::string user, UserDialog* d, WaitGroup* group, size_t* looked_at) {
  // What the dialog does not answer now, the client is not told.
  static_cast<void>(co_await ask(std::move(user), d->read, d, looked_at));
  group->done();
}

Task<Reply> Inbox::ask(std::string user, uint64_t seq, UserDialog* d, size_t* looked_at) {
  std::string data = wire::Writer().str(user).u64(std::max(seq, d->read)).take();
  Reply reply = co_await host_.call({"dialog", "mark", d->dialog, std::move(data)});
  if (reply.status == LCG_E_DENIED) co_return denied();
  Marked now;
  if (!reply.ok() || !decode(reply.data, now)) co_return busy(reply.message);
  *looked_at += now.unread.looked_at;
  take(now, d);
  co_return Reply();
}

Task<Reply> Inbox::list(std::string user, uint64_t before, uint32_t limit, size_t* looked_at) {
  limit = std::clamp<uint32_t>(limit, 1, kMaxListPage);
  storage::Scan page{kUserChangeDocs, "", before == 0 ? "" : storage::key_u64(before), limit, true};
  Outcome<storage::ScanRows> rows = co_await store_.scan(user, std::move(page));
  if (!rows.ok()) co_return busy(rows.message);
  std::vector<UserDialog> dialogs;
  uint64_t next = 0;
  for (const storage::Row& row : rows.value.rows) {
    UserDialog d;
    next = storage::u64_of_key(row.key);
    if (decode(row.value, d) && d.in) dialogs.push_back(std::move(d));
  }
  co_await refresh(user, &dialogs, looked_at);
  std::erase_if(dialogs, [](const UserDialog& d) { return !d.shown(); });
  json::Writer w;
  w.raw("dialogs", array_of(dialogs)).boolean("more", rows.value.more);
  if (rows.value.more) w.num("before", next);
  co_return Reply::with(w.take());
}

Task<Outcome<Inbox::Large>> Inbox::large_dialogs(std::string user, size_t* looked_at) {
  Outcome<Large> out;
  Outcome<storage::ScanRows> rows =
      co_await store_.scan(user, {kUserLargeDocs, "", "", static_cast<uint32_t>(kMaxLargeDialogs), false});
  if (!rows.ok()) co_return {LCG_E_BUSY, rows.message, {}};
  out.value.more = rows.value.more;
  if (out.value.more) co_return out;  // which of them the order of their ids puts first says nothing
  for (const storage::Row& row : rows.value.rows) {
    Outcome<UserDialog> d = co_await find(user, row.key);
    if (d.ok()) out.value.dialogs.push_back(std::move(d.value));
  }
  co_await refresh(user, &out.value.dialogs, looked_at);
  co_return out;
}

Task<Reply> Inbox::sync(std::string user, uint64_t since, size_t* looked_at) {
  // A change whose iseq is given but which is not stored yet must not fall between this answer and the next.
  const auto turn = co_await users_.acquire(user);
  Outcome<uint64_t> last = co_await last_iseq(user);
  if (!last.ok()) co_return busy(last.message);
  json::Writer w;
  w.num("iseq", last.value);
  std::vector<UserDialog> changed;
  // A position from the future was given by a store that lost it.
  bool snapshot = since == 0 || since > last.value;
  if (!snapshot) {
    Outcome<ListCount> counts = co_await count(user);
    if (!counts.ok()) co_return busy(counts.message);
    snapshot = since < counts.value.forgotten;
  }
  if (!snapshot) {
    Outcome<storage::ScanRows> rows = co_await store_.scan(
        user, {kUserChangeDocs, storage::key_u64(since + 1), "", static_cast<uint32_t>(kMaxChanges), false});
    if (!rows.ok()) co_return busy(rows.message);
    snapshot = rows.value.more;
    *looked_at += rows.value.rows.size();
    for (const storage::Row& row : rows.value.rows) {
      UserDialog d;
      if (!snapshot && decode(row.value, d)) changed.push_back(std::move(d));
    }
  }
  if (!snapshot) {
    Outcome<Large> large = co_await large_dialogs(user, looked_at);
    if (!large.ok()) co_return busy(large.message);
    snapshot = large.value.more;
    *looked_at += large.value.dialogs.size();
    for (UserDialog& d : large.value.dialogs) {
      const auto same = [&d](const UserDialog& c) { return c.dialog == d.dialog; };
      std::erase_if(changed, same);
      changed.push_back(std::move(d));
    }
  }
  // A snapshot is read by dialog.list, newest first, which has the heads of all.
  if (snapshot) changed.clear();
  w.boolean("snapshot", snapshot).raw("changed", array_of(changed));
  co_return Reply::with(w.take());
}

Task<Reply> Inbox::find_member(std::string user, std::string dialog, uint64_t seq, UserDialog* out) {
  Outcome<UserDialog> found = co_await find(user, dialog);
  if (!found.ok() && found.status != LCG_E_NOT_FOUND) co_return busy(found.message);
  *out = std::move(found.value);
  if (found.ok() && out->in && seq <= out->head) co_return Reply();
  // The projection may be behind: the dialog knows.
  Outcome<Head> head = co_await dialogs_.head(dialog, user);
  if (head.status == LCG_E_DENIED) co_return denied();
  if (!head.ok()) co_return busy(head.message);
  if (!found.ok()) co_return busy("the membership is on its way");
  out->head = std::max(out->head, head.value.head);
  co_return Reply();
}

Task<lcg_status> Inbox::store_again(std::string user, UserDialog* d) {
  Outcome<uint64_t> last = co_await last_iseq(user);
  if (!last.ok()) co_return LCG_E_BUSY;
  const uint64_t old_iseq = d->iseq;
  d->iseq = next_iseq(user, last.value);
  co_return co_await store(user, *d, old_iseq, d->in ? Before::kIn : Before::kLeft);
}

// The dialog counts what is above the mark: it has the log, and keeps the mark for the others to see. It is not told
// of one that the list cannot keep yet.
Task<Reply> Inbox::read(std::string user, std::string dialog, uint64_t seq, size_t* looked_at) {
  const auto turn = co_await users_.acquire(user);
  UserDialog d;
  Reply refusal = co_await find_member(user, dialog, 0, &d);
  if (!refusal.ok()) co_return refusal;
  if (!d.in) co_return busy("the membership is on its way");
  if (seq > d.read || !d.counted) {
    const uint64_t before = d.read;
    refusal = co_await ask(user, seq, &d, looked_at);
    if (!refusal.ok()) co_return refusal;
    if (d.read > before) {
      const lcg_status stored = co_await store_again(user, &d);
      if (stored != LCG_OK) co_return busy("the store did not answer");
      hint(user, d, "read");
    }
  }
  json::Writer w;
  w.num("read", d.read).num("head", d.head).num("unread", d.unread);
  if (d.more) w.boolean("unread_more", true);
  co_return Reply::with(w.num("iseq", d.iseq).take());
}

// Up to the head of now, so that whatever comes next shows it again.
Task<Reply> Inbox::hide(std::string user, std::string dialog, size_t* looked_at) {
  const auto turn = co_await users_.acquire(user);
  UserDialog d;
  Reply refusal = co_await find_member(user, dialog, 0, &d);
  if (!refusal.ok()) co_return refusal;
  if (d.shown()) {
    refusal = co_await ask(user, d.read, &d, looked_at);
    if (!refusal.ok()) co_return refusal;
    d.hidden = d.head;
    const lcg_status stored = co_await store_again(user, &d);
    if (stored != LCG_OK) co_return busy("the store did not answer");
    hint(user, d, "hide");
  }
  co_return Reply::with(json::Writer().num("head", d.head).num("iseq", d.iseq).take());
}

Task<Reply> Inbox::quiet(std::string user, std::string dialog, int64_t until_ms) {
  const auto turn = co_await users_.acquire(user);
  UserDialog d;
  Reply refusal = co_await find_member(user, dialog, 0, &d);
  if (!refusal.ok()) co_return refusal;
  if (!d.in) co_return busy("the membership is on its way");
  if (until_ms <= host_.wall_ms()) until_ms = 0;
  until_ms = std::min(until_ms, host_.wall_ms() + kMaxMuteMs);
  if (until_ms != d.quiet_until_ms) {
    d.quiet_until_ms = until_ms;
    const lcg_status stored = co_await store_again(user, &d);
    if (stored != LCG_OK) co_return busy("the store did not answer");
    hint(user, d, "quiet");
  }
  json::Writer w;
  co_return Reply::with(
      w.num("quiet_until", static_cast<uint64_t>(d.quiet_until_ms)).num("iseq", d.iseq).take());
}

}  // namespace lcg::dialog
