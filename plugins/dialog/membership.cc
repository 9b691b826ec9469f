// SPDX-License-Identifier: Apache-2.0
#include "membership.h"

#include <sodium.h>

#include <algorithm>
#include <optional>

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
  if (!m.avatar.empty()) w.text("avatar", m.avatar);
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
    std::string mark;
    Reply created = co_await create_new(request, &mark);
    if (!created.ok()) co_return created;
    opened = co_await directory_.open(request.dialog);
    if (!opened.ok()) co_return busy(opened.message);
    const DialogPtr dialog = opened.value;
    if (dialog->dirty == Dialog::Dirty::kClean && dialog->dirty_mark.empty()) {
      dialog->dirty = Dialog::Dirty::kDirty;  // create_new has listed it, and nobody since
      dialog->dirty_mark = std::move(mark);
    }
    if (dialog->meta.large) dialog->outbox.look_in_store(1);  // nobody is in memory
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

Task<Reply> Membership::create_new(CreateRequest q, std::string* mark) {
  Meta meta;
  meta.direct = q.direct;
  meta.open = q.open;
  meta.history_all = q.history_all;
  meta.title = q.title;
  meta.avatar = q.avatar;
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
  if (!q.avatar.empty()) {
    entry.detail += ",\"avatar\":";
    json::append_quoted(entry.detail, q.avatar);
  }

  storage::Batch batch;
  batch.require_absent(kMetaDocs, kMetaKey).put(kMetaDocs, kMetaKey, encode(meta));
  batch.put(kLogDocs, storage::key_u64(1), encode(entry));
  for (const std::string& user : entry.users) {
    Member member;
    const bool own = user == q.creator;
    enter(member, own && !q.direct ? Role::kOwner : Role::kMember, 1, own ? std::string_view() : q.creator);
    member.version = 1;
    batch.put(kMemberDocs, user, encode(member)).put(kOutboxDocs, user, "");
  }
  const auto unborn = std::make_shared<Dialog>(q.dialog);
  const lcg_status dirty = co_await notifier_.ensure_dirty(unborn);
  if (dirty != LCG_OK) co_return busy("the store takes no write now");
  *mark = unborn->dirty_mark;
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

Task<Reply> Membership::get(std::string id, std::string user) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> me = co_await directory_.member(dialog, std::move(user));
  if (!me.ok()) co_return busy(me.message);
  if (me.value == nullptr || !me.value->in()) co_return denied();
  co_return Reply::with(describe(*dialog, *me.value, std::nullopt));
}

Task<Reply> Membership::list(std::string id, std::string user, std::string after, uint32_t limit,
                             uint64_t seen) {
  Outcome<DialogPtr> opened = co_await directory_.open(id);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> me = co_await directory_.member(dialog, std::move(user));
  if (!me.ok()) co_return busy(me.message);
  if (me.value == nullptr || !me.value->in()) co_return denied();
  if (!after.empty()) after += '\0';
  Outcome<storage::ScanRows> rows = co_await store_.scan(
      id, {kMemberDocs, std::move(after), "", std::clamp<uint32_t>(limit, 1, kMaxMembersPage), false});
  if (!rows.ok()) co_return busy(rows.message);
  std::vector<std::string> items;
  for (const storage::Row& row : rows.value.rows) {
    Member member;
    if (!decode(row.value, dialog->meta, member) || !member.in()) continue;
    if (seen != 0 && (member.read < seen || !may_read(dialog->meta, member, seen))) continue;
    items.push_back(json::Writer()
                        .text("user", row.key)
                        .text("role", role_name(member.role))
                        .num("joined", member.windows.back().from)
                        .num("read", member.read)
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
