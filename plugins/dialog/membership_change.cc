// SPDX-License-Identifier: Apache-2.0
// The half of Membership that changes who is in a dialog.
#include <algorithm>
#include <optional>
#include <set>

#include "lcg/json.hpp"
#include "membership.h"
#include "refusals.h"

namespace lcg::dialog {

namespace {

constexpr uint32_t kMaxForgotten = 200;  // by one change
constexpr size_t kTrimStep = 1000;       // members looked at by one trim
// What is written of each user who is changed: member, former or not, outbox; of each who is forgotten two documents;
// of each who came in while the others were listed one; the log, the meta document.
static_assert(size_t{3} * kMaxUsersPerChange + size_t{2} * kMaxForgotten + kMaxUsersPerChange + 2 <=
              storage::kMaxBatchOps);
constexpr size_t kMaxLargeCached = 10'000;     // members of a large dialog in memory
constexpr int64_t kRetireNs = 60'000'000'000;  // far longer than any call lives

void leave(Member& member, Standing standing, uint64_t dseq) {
  if (member.in()) member.windows.back().to = dseq;
  member.standing = standing;
  member.role = Role::kMember;
  member.by.clear();
}

// A member as the entry at `dseq` leaves it. What is muted stays muted through leaving and coming back.
void change_member(Member& member, const ChangeRequest& q, uint64_t dseq) {
  member.version = dseq;
  switch (q.op) {
    case Op::kJoin:
      return enter(member, Role::kMember, dseq, {});
    case Op::kAdd:
      return enter(member, Role::kMember, dseq, q.actor);
    case Op::kLeave:
    case Op::kRemove:
      return leave(member, Standing::kOut, dseq);
    case Op::kBan:
      return leave(member, Standing::kBanned, dseq);
    case Op::kUnban:
      member.standing = Standing::kOut;
      return;
    case Op::kMute:
      member.muted_until_ms = q.until_ms;
      return;
    case Op::kRole:
      member.role = q.role;
      if (q.role == Role::kOwner) member.muted_until_ms = 0;  // nobody could unmute an owner
      return;
  }
}

// What the counts of a dialog are of.
struct Counts {
  uint64_t members = 0, owners = 0, banned = 0, former = 0;

  static Counts of(const Meta& m) { return {m.member_count, m.owner_count, m.banned_count, m.former_count}; }
  void add(const Member& m) {
    if (m.in()) ++members;
    if (m.in() && m.role == Role::kOwner) ++owners;
    if (m.standing == Standing::kBanned) ++banned;
    if (m.former()) ++former;
  }
  void take(const Member& m) {
    Counts one;
    one.add(m);
    members -= std::min(members, one.members);
    owners -= std::min(owners, one.owners);
    banned -= std::min(banned, one.banned);  // of a dialog from before they were counted there may be more
    former -= std::min(former, one.former);
  }
  void put(Meta& m) const {
    m.member_count = members;
    m.owner_count = owners;
    m.banned_count = banned;
    m.former_count = former;
  }
};

// Of the dialog as the change leaves it.
Counts counts_after(const Dialog& dialog, const ChangeRequest& q,
                    const std::vector<std::pair<std::string, Member*>>& targets) {
  Counts after = Counts::of(dialog.meta);
  for (const auto& [user, member] : targets) {
    Member changed = member != nullptr ? *member : Member{};
    after.take(changed);
    change_member(changed, q, dialog.submitted + 1);
    after.add(changed);
  }
  return after;
}

}  // namespace

void enter(Member& member, Role role, uint64_t dseq, std::string_view by) {
  member.standing = Standing::kIn;
  member.role = role;
  member.by = by;
  member.windows.push_back({dseq, 0});
  if (member.windows.size() > kMaxWindows) member.windows.erase(member.windows.begin());
}

Reply Membership::check(const Dialog& dialog, const ChangeRequest& q, const Member* actor) const {
  const Meta& meta = dialog.meta;
  if (q.op == Op::kJoin) {
    if (actor != nullptr && actor->standing == Standing::kBanned)
      return refused("banned", chat::code::kBanned);
    if (actor != nullptr && actor->in()) return Reply();
    // A group that everybody has left is over: nobody would own it.
    return meta.open && !meta.direct && meta.member_count > 0 ? refuse(q.verdict) : denied();
  }
  // Leaving again changes nothing: the answer to the first time may have been lost.
  if (q.op == Op::kLeave && actor != nullptr && !actor->in() && !actor->windows.empty()) return Reply();
  if (actor == nullptr || !actor->in()) return denied();
  if (q.op == Op::kLeave) return Reply();
  if (meta.direct) return refused("a direct dialog has its two members", chat::code::kDenied);
  bool allowed = actor->role != Role::kMember;
  if (q.op == Op::kAdd) allowed = allowed || meta.open;
  if (q.op == Op::kRole) allowed = actor->role == Role::kOwner;
  if (!allowed) return denied();
  return actor->muted_until_ms > host_.wall_ms() ? muted(actor->muted_until_ms) : Reply();
}

Reply Membership::select(const Dialog& dialog, const ChangeRequest& q, const Member* actor,
                         Targets& targets) const {
  Targets chosen;
  for (const auto& [user, member] : targets) {
    const bool in = member != nullptr && member->in();
    const bool banned = member != nullptr && member->standing == Standing::kBanned;
    bool changes = in;
    switch (q.op) {
      case Op::kJoin:
      case Op::kAdd:
        if (banned) return refused("banned", chat::code::kBanned);
        changes = !in;
        break;
      case Op::kBan:
        changes = !banned;
        break;
      case Op::kUnban:
        changes = banned;
        break;
      case Op::kRole:
        changes = in && member->role != q.role;
        break;
      default:
        break;
    }
    if (!changes) continue;
    const bool over_him = q.op == Op::kRemove || q.op == Op::kMute || q.op == Op::kBan;
    if (over_him && in && member->role >= actor->role) return denied();
    chosen.emplace_back(user, member);
  }
  targets = std::move(chosen);
  // The rules are about what the whole change leaves, not about what is there now.
  const Counts before = Counts::of(dialog.meta);
  const Counts after = counts_after(dialog, q, targets);
  if (after.owners == 0 && before.owners > 0 && after.members > 0)
    return conflict("last_owner", chat::code::kLastOwner);
  if (after.members > before.members && after.members > settings_.max_members) return full();
  if (after.banned > before.banned && after.banned > settings_.max_bans)
    return conflict("max_bans:" + std::to_string(settings_.max_bans), chat::code::kMaxBans);
  return Reply();
}

bool Membership::becomes_large(const Dialog& dialog, const ChangeRequest& q, const Targets& targets) const {
  return !dialog.meta.large && counts_after(dialog, q, targets).members > settings_.fan_limit;
}

void Membership::apply(Dialog& dialog, const ChangeRequest& q, const Targets& targets, const Ahead& ahead,
                       uint64_t dseq, storage::Batch& batch) {
  Meta& meta = dialog.meta;
  Counts counts = Counts::of(meta);
  for (const auto& [user, old] : targets) {
    Member& member = old != nullptr ? *old : dialog.members.try_emplace(user).first->second;
    counts.take(member);
    if (member.former()) batch.erase(kFormerDocs, former_key(user, member));
    const bool first = member.windows.empty();
    change_member(member, q, dseq);
    // Above whatever a forgotten document may have counted.
    if (first && member.in() && meta.forgetful) member.last_useq = dseq;
    counts.add(member);
    if (!member.known()) {  // unbanned, and never was here
      batch.erase(kMemberDocs, user);
      retire(dialog, user);
      continue;
    }
    if (member.former()) {
      if (member.muted_until_ms <= host_.wall_ms()) member.muted_until_ms = 0;
      batch.put(kFormerDocs, former_key(user, member), "");
    }
    dialog.count_in(user, member);
    batch.put(kMemberDocs, user, encode(member));
    if (member.windows.empty()) continue;  // it is not in any list of the user
    batch.put(kOutboxDocs, user, "");
    dialog.outbox.add(user, dseq);
  }
  counts.put(meta);
  if (meta.former_count > settings_.max_former) forget(dialog, ahead.former, batch);
  if (!meta.large && meta.member_count > settings_.fan_limit) {
    // From now on nobody is told one by one; everybody is told that, once.
    meta.large = true;
    for (const std::string& user : dialog.crowd)
      if (!ahead.listed.contains(user) && dialog.members.at(user).version != dseq)
        batch.put(kOutboxDocs, user, "");
    dialog.outbox.look_in_store(dseq);
    dialog.crowd.clear();
  }
  batch.put(kMetaDocs, kMetaKey, encode(meta));
}

// A read that is on its way may have found the document still: what is in memory counts.
void Membership::retire(Dialog& dialog, const std::string& user) const {
  Member& member = dialog.members[user];
  member = Member{};
  member.forgotten_ns = host_.now_ns();
  dialog.retired.emplace_back(member.forgotten_ns, user);
}

// Those who are muted still go last, so that the mute outlives the going.
void Membership::forget(Dialog& dialog, const std::vector<Former>& former, storage::Batch& batch) const {
  // Who has not been told yet that he is out must be known until then.
  const std::optional<std::set<std::string>> untold = dialog.outbox.users();
  if (!untold) return;
  const uint64_t over = dialog.meta.former_count - settings_.max_former;
  // Some more than needed, so that not every change reads who is to be forgotten.
  const uint64_t most = std::min<uint64_t>(kMaxForgotten, over + settings_.max_former / 10);
  uint64_t count = 0;
  for (const Former& f : former) {
    if (count == most) break;
    // A change since this was read is in memory.
    const auto it = dialog.members.find(f.user);
    const bool same = it == dialog.members.end() ? !dialog.all_members
                                                 : it->second.former() && it->second.version == f.version;
    if (!same || untold->contains(f.user) || dialog.missed.contains(f.user)) continue;
    batch.erase(kMemberDocs, f.user).erase(kFormerDocs, f.key);
    retire(dialog, f.user);
    ++count;
  }
  dialog.meta.former_count -= std::min(dialog.meta.former_count, count);
  dialog.meta.forgetful = dialog.meta.forgetful || count > 0;
}

void Membership::trim(const DialogPtr& dialog) const {
  Dialog& d = *dialog;
  while (!d.retired.empty() && d.retired.front().first + kRetireNs <= host_.now_ns()) {
    const auto it = d.members.find(d.retired.front().second);
    const bool still = it != d.members.end() && it->second.forgotten_ns == d.retired.front().first;
    if (still && !it->second.known()) d.members.erase(it);
    d.retired.pop_front();
  }
  // The directory and the caller have it, and nobody else: nobody has a pointer to a member.
  const bool alone = dialog.use_count() <= 2 && d.idle();
  if (d.all_members || !alone || d.members.size() <= kMaxLargeCached) return;
  auto it = d.members.begin();
  for (size_t looks = 0; looks < kTrimStep && it != d.members.end(); ++looks)
    it = d.crowd.contains(it->first) ? std::next(it) : d.members.erase(it);
}

// Leaving a direct dialog: it goes out of the user's list until there is news.
Task<Reply> Membership::hide(ChangeRequest request) {
  Reply hidden =
      co_await host_.call({"dialog", "hide", request.actor, wire::Writer().str(request.dialog).take()});
  if (hidden.ok()) hidden.data = "{\"seq\":0}";
  co_return hidden;
}

// All who are in are to be told that the dialog is large. They may be more than one batch holds, and that they are
// listed and nothing changes harms nothing: so they are listed before the change.
Task<lcg_status> Membership::list_crowd(DialogPtr dialog, Ahead* ahead) {
  const lcg_status known = co_await directory_.know_crowd(dialog);
  if (known != LCG_OK) co_return known;
  const std::vector<std::string> users(dialog->crowd.begin(), dialog->crowd.end());
  for (size_t i = 0; i < users.size() && dialog->usable();) {
    storage::Batch batch;
    batch.durable = false;  // the append that follows is, and covers it
    for (; i < users.size() && batch.ops.size() < kListedAtOnce; ++i) batch.put(kOutboxDocs, users[i], "");
    ++dialog->writes;
    Reply reply = co_await store_.commit(dialog->id, std::move(batch));
    --dialog->writes;
    directory_.write_ended(*dialog);
    if (!reply.ok()) co_return reply.status;
  }
  ahead->listed.insert(users.begin(), users.end());
  co_return LCG_OK;
}

Task<lcg_status> Membership::read_former(DialogPtr dialog, Ahead* ahead) {
  Outcome<storage::ScanRows> rows =
      co_await store_.scan(dialog->id, {kFormerDocs, "", "", 2 * kMaxForgotten, false});
  for (storage::Row& row : rows.value.rows) {
    Former former;
    if (decode_former(row.key, former)) ahead->former.push_back(std::move(former));
  }
  co_return rows.status;
}

// From here to the append nothing suspends: what is checked is what holds.
Reply Membership::decide(Dialog& dialog, const ChangeRequest& request, Targets& targets) const {
  const auto known = [&dialog](const std::string& user) {
    const auto it = dialog.members.find(user);
    return it == dialog.members.end() ? nullptr : &it->second;
  };
  const Member* const actor = known(request.actor);
  Reply refusal = check(dialog, request, actor);
  if (!refusal.ok()) return refusal;
  targets.clear();
  for (const std::string& user : request.users) targets.emplace_back(user, known(user));
  return select(dialog, request, actor, targets);
}

Task<Reply> Membership::change(ChangeRequest request) {
  Outcome<DialogPtr> opened = co_await directory_.open(request.dialog);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> actor = co_await directory_.member(dialog, request.actor);
  if (!actor.ok()) co_return busy(actor.message);
  Reply refusal = check(*dialog, request, actor.value);
  if (!refusal.ok()) co_return refusal;
  if (dialog->meta.direct && request.op == Op::kLeave) co_return co_await hide(std::move(request));
  if (request.until_ms <= host_.wall_ms()) request.until_ms = 0;
  request.until_ms = std::min(request.until_ms, host_.wall_ms() + kMaxMuteMs);
  for (const std::string& user : request.users) {
    Outcome<Member*> read = co_await directory_.member(dialog, user);
    if (!read.ok()) co_return busy(read.message);
  }
  Targets targets;
  refusal = decide(*dialog, request, targets);
  if (!refusal.ok()) co_return refusal;
  if (targets.empty()) co_return Reply::with("{\"seq\":0}");

  // What the change needs besides, and has to wait for.
  Ahead ahead;
  std::optional<Growing> growing;
  if (becomes_large(*dialog, request, targets)) {
    growing.emplace(notifier_, dialog);
    const lcg_status listed = co_await list_crowd(dialog, &ahead);
    if (listed != LCG_OK) co_return busy("the members could not be read");
  }
  if (counts_after(*dialog, request, targets).former > settings_.max_former) {
    const lcg_status read = co_await read_former(dialog, &ahead);
    if (read != LCG_OK) co_return busy("the former members could not be read");
  }
  const lcg_status dirty = co_await notifier_.ensure_dirty(dialog);
  if (dirty != LCG_OK || !dialog->usable()) co_return busy("the dialog is being read again");

  refusal = decide(*dialog, request, targets);
  if (!refusal.ok()) co_return refusal;
  if (targets.empty()) co_return Reply::with("{\"seq\":0}");
  if (becomes_large(*dialog, request, targets)) {
    const auto unlisted = std::count_if(dialog->crowd.begin(), dialog->crowd.end(),
                                        [&ahead](const auto& user) { return !ahead.listed.contains(user); });
    if (!growing || !dialog->crowd_known || static_cast<size_t>(unlisted) > kMaxUsersPerChange)
      co_return busy("others come in just now");
  }

  Entry entry;
  entry.kind = chat::Kind::kMember;
  entry.user = request.actor;
  entry.op = kOpNames[static_cast<size_t>(request.op)];
  for (const auto& [user, member] : targets) entry.users.push_back(user);
  if (request.op == Op::kRole) entry.detail = "\"role\":\"" + std::string(role_name(request.role)) + "\"";
  if (request.op == Op::kMute) entry.detail = "\"until\":" + std::to_string(request.until_ms);
  log_.place(*dialog, entry);
  const uint64_t dseq = entry.dseq;
  storage::Batch batch;
  apply(*dialog, request, targets, ahead, dseq, batch);
  if (growing && dialog->meta.large) growing->applied();
  growing.reset();
  const lcg_status status = co_await log_.append(dialog, std::move(entry), std::move(batch));
  if (status != LCG_OK) co_return busy("the store did not answer");
  co_return Reply::with(json::Writer().num("seq", dseq).take());
}

}  // namespace lcg::dialog
