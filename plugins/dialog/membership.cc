// SPDX-License-Identifier: Apache-2.0
#include "membership.h"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

#include "lcg/json.hpp"
#include "refusals.h"

namespace lcg::dialog {

namespace {

constexpr std::string_view kDirectPrefix = "dm-";

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

constexpr size_t kMaxForgotten = 200;          // by one change
constexpr size_t kMaxLargeCached = 10'000;     // members of a large dialog in memory
constexpr int64_t kRetireNs = 60'000'000'000;  // far longer than any call lives

void enter(Member& member, Role role, uint64_t dseq) {
  member.standing = Standing::kIn;
  member.role = role;
  member.windows.push_back({dseq, 0});
  if (member.windows.size() > kMaxWindows) member.windows.erase(member.windows.begin());
}

void leave(Member& member, Standing standing, uint64_t dseq) {
  if (member.in()) member.windows.back().to = dseq;
  member.standing = standing;
  member.role = Role::kMember;
}

// A member as the entry at `dseq` leaves it. What is muted stays muted through leaving and coming back.
void change_member(Member& member, const ChangeRequest& q, uint64_t dseq) {
  member.version = dseq;
  switch (q.op) {
    case Op::kJoin:
    case Op::kAdd:
      return enter(member, Role::kMember, dseq);
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
    if (m.standing == Standing::kOut && m.known()) ++former;
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

}  // namespace

bool reserved_id(std::string_view id) { return id.starts_with(kDirectPrefix); }

std::string direct_id(std::string_view a, std::string_view b) {
  if (b < a) std::swap(a, b);
  const std::string pair = wire::Writer().str(a).str(b).take();
  std::string hash(20, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(pair.data()), pair.size(), nullptr, 0);
  return std::string(kDirectPrefix) + hex(hash);
}

std::string Membership::describe(const Dialog& dialog, const Member& me, std::optional<bool> created) const {
  const Meta& m = dialog.meta;
  json::Writer w;
  w.text("dialog", dialog.id).text("kind", m.direct ? "direct" : "group").text("title", m.title);
  w.boolean("open", m.open).text("history", m.history_all ? "all" : "join").text("creator", m.creator);
  w.num("created_at", static_cast<uint64_t>(m.created_ms))
      .num("members", m.member_count)
      .text("epoch", m.epoch);
  w.num("head", dialog.head).text("role", role_name(me.role));
  if (me.muted_until_ms > host_.wall_ms()) w.num("muted_until", static_cast<uint64_t>(me.muted_until_ms));
  const std::vector<Window> windows = readable(m, me, 1, std::max<uint64_t>(dialog.head, 1));
  w.num("first", windows.empty() ? 0 : windows.front().from);
  if (created) w.boolean("created", *created);
  return w.take();
}

Task<Reply> Membership::create(CreateRequest request) {
  const auto turn = co_await creating_.acquire(request.dialog);
  Outcome<DialogPtr> opened = co_await directory_.open(request.dialog);
  const bool fresh = opened.status == LCG_E_NOT_FOUND;
  if (!opened.ok() && !fresh) co_return busy(opened.message);
  if (fresh) {
    Reply refusal = refuse(request.verdict);
    if (!refusal.ok()) co_return refusal;
    if (request.members.size() + 1 > settings_.max_members) co_return full();
    Reply created = co_await create_new(request);
    if (!created.ok()) co_return created;
    opened = co_await directory_.open(request.dialog);
    if (!opened.ok()) co_return busy(opened.message);
    const DialogPtr dialog = opened.value;
    dialog->dirty = Dialog::Dirty::kDirty;  // create_new has listed it
    for (const auto& [user, member] : dialog->members) dialog->outbox.add(user, member.version);
    notifier_.kick(dialog);
  }
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> me = co_await directory_.member(dialog, request.creator);
  if (!me.ok()) co_return busy(me.message);
  const bool mine = dialog->meta.direct == request.direct && me.value != nullptr && me.value->in() &&
                    (dialog->meta.direct || dialog->meta.creator == request.creator);
  if (!mine) co_return conflict("exists", chat::code::kExists);
  co_return Reply::with(describe(*dialog, *me.value, fresh));
}

Task<Reply> Membership::create_new(CreateRequest q) {
  Meta meta;
  meta.direct = q.direct;
  meta.open = q.open;
  meta.history_all = q.history_all;
  meta.title = q.title;
  meta.creator = q.creator;
  meta.created_ms = host_.wall_ms();
  meta.epoch = hex(host_.random_bytes(8));
  meta.member_count = q.members.size() + 1;
  meta.owner_count = 1;
  meta.large = meta.member_count > settings_.fan_limit;

  Entry entry;
  entry.kind = chat::Kind::kMeta;
  entry.dseq = 1;
  entry.ts_ms = meta.created_ms;
  entry.user = q.creator;
  entry.op = "create";
  entry.users = q.members;
  entry.users.insert(entry.users.begin(), q.creator);
  std::string title;
  json::append_quoted(title, q.title);
  entry.detail = "\"title\":" + title;

  storage::Batch batch;
  batch.require_absent(kMetaDocs, kMetaKey).put(kMetaDocs, kMetaKey, encode(meta));
  batch.put(kLogDocs, storage::key_u64(1), encode(entry));
  for (const std::string& user : entry.users) {
    Member member;
    enter(member, user == q.creator && !q.direct ? Role::kOwner : Role::kMember, 1);
    member.version = 1;
    batch.put(kMemberDocs, user, encode(member)).put(kOutboxDocs, user, "");
  }
  const auto unborn = std::make_shared<Dialog>(q.dialog);
  const lcg_status dirty = co_await notifier_.ensure_dirty(unborn);
  if (dirty != LCG_OK) co_return busy("the store takes no write now");
  Reply stored = co_await store_.commit(q.dialog, std::move(batch));
  // A conflict: it is there, by an earlier try whose answer was lost. The caller looks who made it.
  if (stored.ok() || stored.status == LCG_E_CONFLICT) co_return Reply();
  // It may still come to be: then its members are told.
  directory_.doubt(q.dialog);
  notifier_.recover(q.dialog, unborn->dirty_mark);
  co_return busy("the store did not answer");
}

Reply Membership::refuse(Verdict verdict) const {
  switch (verdict) {
    case Verdict::kBlocked:
      return denied();
    case Verdict::kBlocking:
      return conflict("unblock", chat::code::kBlocking);
    case Verdict::kFull:
      return conflict("max_dialogs:" + std::to_string(settings_.max_dialogs), chat::code::kMaxDialogs);
    case Verdict::kWelcome:
      break;
  }
  return Reply();
}

Reply Membership::full() const {
  return conflict("max_members:" + std::to_string(settings_.max_members), chat::code::kFull);
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
  Counts after = before;
  for (const auto& [user, member] : targets) {
    Member changed = member != nullptr ? *member : Member{};
    after.take(changed);
    change_member(changed, q, dialog.submitted + 1);
    after.add(changed);
  }
  if (after.owners == 0 && before.owners > 0 && after.members > 0)
    return conflict("last_owner", chat::code::kLastOwner);
  if (after.members > before.members && after.members > settings_.max_members) return full();
  if (after.banned > before.banned && after.banned > settings_.max_bans)
    return conflict("max_bans:" + std::to_string(settings_.max_bans), chat::code::kMaxBans);
  return Reply();
}

void Membership::apply(Dialog& dialog, const ChangeRequest& q, const Targets& targets, uint64_t dseq,
                       storage::Batch& batch) {
  Meta& meta = dialog.meta;
  Counts counts = Counts::of(meta);
  for (const auto& [user, old] : targets) {
    Member& member = old != nullptr ? *old : dialog.members.try_emplace(user).first->second;
    counts.take(member);
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
    dialog.count_in(user, member);
    batch.put(kMemberDocs, user, encode(member));
    if (member.windows.empty()) continue;  // it is not in any list of the user
    batch.put(kOutboxDocs, user, "");
    dialog.outbox.add(user, dseq);
  }
  counts.put(meta);
  const bool becomes_large = !meta.large && meta.member_count > settings_.fan_limit;
  // Not both in one batch, which has its limit.
  if (meta.former_count > settings_.max_former && !becomes_large) forget(dialog, batch);
  if (becomes_large) {
    // From now on nobody is told one by one; everybody is told that, once.
    meta.large = true;
    for (const std::string& user : dialog.crowd) {
      if (dialog.members.at(user).version == dseq) continue;
      batch.put(kOutboxDocs, user, "");
      dialog.outbox.add(user, dseq);
    }
    dialog.crowd.clear();
  }
  batch.put(kMetaDocs, kMetaKey, encode(meta));
}

// Where members are read when needed, a read that is on its way could bring the document back: it is for trim.
void Membership::retire(Dialog& dialog, const std::string& user) const {
  if (!dialog.all_members) return;
  auto node = dialog.members.extract(user);
  if (!node.empty()) dialog.retired.emplace_back(host_.now_ns() + kRetireNs, std::move(node));
}

// Those who are muted still go last, so that the mute outlives the going. Of a dialog whose members are read
// when needed, the documents of former ones cost no memory, and stay.
void Membership::forget(Dialog& dialog, storage::Batch& batch) const {
  // Who has not been told yet that he is out must be known until then.
  const std::optional<std::set<std::string>> untold = dialog.outbox.users();
  if (!dialog.all_members || !untold) return;
  std::vector<std::tuple<bool, uint64_t, std::string>> former;
  for (const auto& [user, member] : dialog.members) {
    if (member.standing != Standing::kOut || untold->contains(user)) continue;
    former.emplace_back(member.muted_until_ms > host_.wall_ms(), member.version, user);
  }
  const uint64_t over = dialog.meta.former_count - settings_.max_former;
  // Some more than needed, so that not every change walks the members.
  const size_t count = std::min({former.size(), kMaxForgotten, over + settings_.max_former / 10});
  std::partial_sort(former.begin(), former.begin() + static_cast<std::ptrdiff_t>(count), former.end());
  for (size_t i = 0; i < count; ++i) {
    const std::string& user = std::get<2>(former[i]);
    batch.erase(kMemberDocs, user);
    retire(dialog, user);
  }
  dialog.meta.former_count -= std::min<uint64_t>(dialog.meta.former_count, count);
  dialog.meta.forgetful = dialog.meta.forgetful || count > 0;
}

void Membership::trim(const DialogPtr& dialog) const {
  Dialog& d = *dialog;
  while (!d.retired.empty() && d.retired.front().first <= host_.now_ns()) d.retired.pop_front();
  // The directory and the caller have it, and nobody else: nobody has a pointer to a member.
  const bool alone = dialog.use_count() <= 2 && d.idle();
  if (!d.all_members && alone && d.members.size() > kMaxLargeCached)
    std::erase_if(d.members, [&d](const auto& item) { return !d.crowd.contains(item.first); });
}

// Leaving a direct dialog: it goes out of the user's list until there is news.
Task<Reply> Membership::hide(ChangeRequest request) {
  Reply hidden =
      co_await host_.call({"dialog", "hide", request.actor, wire::Writer().str(request.dialog).take()});
  if (hidden.ok()) hidden.data = "{\"seq\":0}";
  co_return hidden;
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
  // One that becomes large tells that to all who are in.
  const auto becomes_large = [this, &dialog, &request] {
    return !dialog->meta.large && dialog->meta.member_count + request.users.size() > settings_.fan_limit;
  };
  if (becomes_large() && !dialog->crowd_known) co_await directory_.know_crowd(dialog);
  const lcg_status dirty = co_await notifier_.ensure_dirty(dialog);
  if (dirty != LCG_OK || !dialog->usable()) co_return busy("the dialog is being read again");

  // From here to the append nothing suspends: what is checked is what holds.
  if (becomes_large() && !dialog->crowd_known) co_return busy("the members are being read");
  const auto known = [&dialog](const std::string& user) {
    const auto it = dialog->members.find(user);
    return it == dialog->members.end() ? nullptr : &it->second;
  };
  const Member* const now = known(request.actor);
  refusal = check(*dialog, request, now);
  if (!refusal.ok()) co_return refusal;
  Targets targets;
  for (const std::string& user : request.users) targets.emplace_back(user, known(user));
  refusal = select(*dialog, request, now, targets);
  if (!refusal.ok()) co_return refusal;
  if (targets.empty()) co_return Reply::with("{\"seq\":0}");

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
  apply(*dialog, request, targets, dseq, batch);
  const lcg_status status = co_await log_.append(dialog, std::move(entry), std::move(batch));
  if (status != LCG_OK) co_return busy("the store did not answer");
  co_return Reply::with(json::Writer().num("seq", dseq).take());
}

Task<Reply> Membership::get(std::string id, std::string user) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> me = co_await directory_.member(dialog, std::move(user));
  if (!me.ok()) co_return busy(me.message);
  if (me.value == nullptr || !me.value->in()) co_return denied();
  co_return Reply::with(describe(*dialog, *me.value, std::nullopt));
}

Task<Reply> Membership::list(std::string id, std::string user, std::string after, uint32_t limit) {
  Outcome<DialogPtr> opened = co_await directory_.open(id);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> me = co_await directory_.member(dialog, std::move(user));
  if (!me.ok()) co_return busy(me.message);
  if (me.value == nullptr || !me.value->in()) co_return denied();
  if (!after.empty()) after += '\0';
  Outcome<storage::ScanRows> rows = co_await store_.scan(
      id, {kMemberDocs, std::move(after), "", std::clamp<uint32_t>(limit, 1, 500), false});
  if (!rows.ok()) co_return busy(rows.message);
  std::vector<std::string> items;
  for (const storage::Row& row : rows.value.rows) {
    Member member;
    if (!decode(row.value, member) || !member.in()) continue;
    items.push_back(json::Writer()
                        .text("user", row.key)
                        .text("role", role_name(member.role))
                        .num("joined", member.windows.back().from)
                        .take());
  }
  json::Writer w;
  w.raw("members", json::array(items))
      .num("total", dialog->meta.member_count)
      .boolean("more", rows.value.more);
  if (rows.value.more) w.text("after", rows.value.rows.back().key);
  co_return Reply::with(w.take());
}

}  // namespace lcg::dialog
