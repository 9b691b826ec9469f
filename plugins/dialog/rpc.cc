// SPDX-License-Identifier: Apache-2.0
#include "rpc.h"

#include <algorithm>

#include "lcg/json.hpp"
#include "lcg/visible.hpp"
#include "plugins/names/names.h"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

namespace {

struct MethodName {
  std::string_view name;
  Method method;
  Op op = Op::kJoin;
};
constexpr MethodName kMethods[] = {
    {"dialog.create", Method::kCreate},
    {"dialog.get", Method::kGet},
    {"dialog.members", Method::kMembers},
    {"dialog.history", Method::kHistory},
    {"dialog.pull", Method::kHistory},
    {"dialog.join", Method::kChange, Op::kJoin},
    {"dialog.leave", Method::kChange, Op::kLeave},
    {"dialog.add", Method::kChange, Op::kAdd},
    {"dialog.remove", Method::kChange, Op::kRemove},
    {"dialog.role", Method::kChange, Op::kRole},
    {"dialog.mute", Method::kChange, Op::kMute},
    {"dialog.ban", Method::kChange, Op::kBan},
    {"dialog.unban", Method::kChange, Op::kUnban},
    {"dialog.set", Method::kSet},
    {"dialog.dissolve", Method::kDissolve},
    {"dialog.typing", Method::kTyping},
    {"dialog.list", Method::kList},
    {"dialog.sync", Method::kSync},
    {"dialog.read", Method::kRead},
    {"dialog.hide", Method::kHide},
    {"dialog.quiet", Method::kQuiet},
    {"dialog.ack", Method::kCheckpoint},
    {"dialog.checkpoint", Method::kCheckpoint},
    {"dialog.checkpoints", Method::kCheckpoints},
};

uint64_t number(json::Object& in, std::string_view key, bool* present = nullptr) {
  const std::optional<uint64_t> value = in.u64(key);
  if (present != nullptr) *present = value.has_value();
  if (value.value_or(0) >> 53 != 0) in.fail(key, "expected at most 2^53-1");
  return value.value_or(0);
}

// An end is said, never guessed.
int64_t until_of(json::Object& in) {
  bool given = false;
  const uint64_t until = number(in, "until", &given);
  if (!given) in.fail("until", "is required: Unix ms, 0 ends it");
  return static_cast<int64_t>(until);
}

// `added`: they come into the dialog, so that others see them; by the broker's rule of who may log in. Who is in it
// already may be written anyhow.
void check_users(json::Object& in, std::string_view key, bool added, std::vector<std::string>& users) {
  for (const std::string& user : users)
    if (!chat::valid_name(user, chat::kMaxUserBytes) || (added && !all_visible(user)))
      in.fail(key, "a user id has 1 to 255 bytes of visible text");
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
}

std::string title_of(json::Object& in) {
  std::string text = in.text("title");
  // Before it is normalised, which costs what it is long, and after, which may make it longer.
  if (text.size() <= kMaxTitleBytes) {
    names::Name title = names::display(text);
    if (title.fault != nullptr) in.fail("title", title.fault);
    text = std::move(title.text);
  }
  if (text.size() > kMaxTitleBytes) in.fail("title", "expected at most 256 bytes");
  return text;
}

std::string avatar_of(json::Object& in) {
  std::string text = in.text("avatar");
  if (!text.empty() && !chat::valid_name(text, kMaxAvatarBytes))
    in.fail("avatar", "expected at most 512 bytes without control characters");
  return text;
}

void parse_set(json::Object& in, ClientCall& call) {
  call.set.actor = call.user;
  call.set.dialog = call.dialog;
  if (in.has("title")) call.set.title = title_of(in);
  if (in.has("avatar")) call.set.avatar = avatar_of(in);
  if (!call.set.title && !call.set.avatar) in.fail("title", "give a title, an avatar or both");
}

void parse_create(json::Object& in, const std::function<std::string()>& new_id, ClientCall& call) {
  CreateRequest& q = call.create;
  q.creator = call.user;
  q.title = title_of(in);
  q.avatar = avatar_of(in);
  q.open = in.boolean("open", false);
  const std::string history = in.text("history", "join");
  if (history != "join" && history != "all") in.fail("history", "expected \"join\" or \"all\"");
  q.history_all = history == "all";
  const std::string kind = in.text("kind", "group");
  if (kind != "group" && kind != "direct") in.fail("kind", "expected \"group\" or \"direct\"");
  q.direct = kind == "direct";
  q.members = in.texts("members", kMaxCreateMembers);
  check_users(in, "members", true, q.members);
  std::erase(q.members, q.creator);
  if (q.direct) {
    if (q.members.size() != 1) return in.fail("members", "a direct dialog has one other member");
    if (q.open) in.fail("open", "a direct dialog is not open");
    call.dialog = direct_id(q.creator, q.members.front());
  } else {
    call.dialog = in.text("id");
    if (call.dialog.empty()) call.dialog = new_id();
    if (!chat::valid_dialog_id(call.dialog)) in.fail("id", "expected 1 to 64 of A-Z a-z 0-9 . _ ~ -");
    if (reserved_id(call.dialog)) in.fail("id", "\"dm-\" is for direct dialogs");
  }
  q.dialog = call.dialog;
}

void parse_change(json::Object& in, Op op, ClientCall& call) {
  ChangeRequest& q = call.change;
  q.op = op;
  q.dialog = call.dialog;
  q.actor = call.user;
  if (op == Op::kJoin || op == Op::kLeave) {
    q.users = {call.user};
    return;
  }
  q.users = in.texts("users", kMaxUsersPerChange);
  if (in.has("user")) q.users.push_back(in.text("user"));
  if (q.users.empty()) in.fail("users", "expected a list of user ids");
  check_users(in, "users", op == Op::kAdd, q.users);
  if (q.users.size() > kMaxUsersPerChange) in.fail("users", "expected at most 100 users");
  if (op == Op::kRole) {
    const std::string role = in.text("role");
    q.role = role == "owner" ? Role::kOwner : role == "admin" ? Role::kAdmin : Role::kMember;
    if (role != role_name(q.role)) in.fail("role", "expected \"owner\", \"admin\" or \"member\"");
  }
  if (op == Op::kMute) {
    q.until_ms = until_of(in);
  }
}

void put(wire::Writer& w, const std::vector<std::string>& items) {
  w.u64(items.size());
  for (const std::string& item : items) w.str(item);
}
void get(wire::Reader& r, std::vector<std::string>& items) {
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) items.emplace_back(r.str());
}

}  // namespace

std::optional<ClientCall> parse_rpc(const Request& request, const std::function<std::string()>& new_id,
                                    Reply* refusal) {
  const MethodName* method = nullptr;
  for (const MethodName& m : kMethods)
    if (m.name == request.name) method = &m;
  if (method == nullptr) return std::nullopt;

  ClientCall call;
  call.method = method->method;
  call.user = request.user_id;
  call.device = request.device_id.empty() ? "http" : request.device_id;
  if (!chat::valid_name(call.user, chat::kMaxUserBytes) ||
      !chat::valid_name(call.device, chat::kMaxDeviceBytes)) {
    *refusal = denied();
    return call;
  }
  json::Object in;
  if (!json::Object::parse(request.data, in)) {
    *refusal = invalid("expected one JSON object");
    return call;
  }
  const bool needs_dialog = call.method != Method::kCreate && call.method != Method::kList &&
                            call.method != Method::kSync && call.method != Method::kCheckpoints;
  if (needs_dialog) {
    call.dialog = in.required_text("dialog");
    if (!chat::valid_dialog_id(call.dialog)) in.fail("dialog", "expected 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  }
  if (call.method == Method::kCreate) parse_create(in, new_id, call);
  if (call.method == Method::kChange) parse_change(in, method->op, call);
  if (call.method == Method::kSet) parse_set(in, call);
  if (call.method == Method::kTyping) call.typing = in.boolean("typing", true);
  if (call.method == Method::kQuiet) call.until_ms = until_of(in);
  // What such a connection kept, no other could ask for.
  const bool of_device = call.method == Method::kCheckpoint || call.method == Method::kCheckpoints;
  if (of_device && (request.device_id.empty() || (request.flags & LCG_PEER_EPHEMERAL_DEVICE) != 0))
    in.fail("lcg-device", "only a device has checkpoints: connect with this header (not over HTTP)");
  call.seen = number(in, "seen");
  call.seq = number(in, "seq", &call.has_seq);
  call.from = number(in, "from", &call.has_from);
  call.before = number(in, "before", &call.has_before);
  call.since = number(in, "since");
  call.limit = static_cast<uint32_t>(std::min<uint64_t>(number(in, "limit"), 1000));
  call.after = in.text("after");
  if (call.after.size() > chat::kMaxUserBytes) in.fail("after", "expected at most 255 bytes");
  if (call.method == Method::kRead && !call.has_seq) in.fail("seq", "is required");
  if (request.name == "dialog.ack" && !call.has_seq) in.fail("seq", "is required");
  if (call.method == Method::kHistory && call.has_from && call.has_before)
    in.fail("before", "give either from or before");
  if (!in.error().empty()) *refusal = invalid(in.error());
  return call;
}

std::string encode(const ClientCall& c) {
  wire::Writer w;
  w.u64(static_cast<uint64_t>(c.method)).str(c.dialog).str(c.user).str(c.device);
  w.str(c.create.title).boolean(c.create.direct).boolean(c.create.open).boolean(c.create.history_all);
  put(w, c.create.members);
  w.u64(static_cast<uint64_t>(c.change.op)).u64(static_cast<uint64_t>(c.change.role));
  w.u64(static_cast<uint64_t>(c.change.until_ms));
  put(w, c.change.users);
  w.u64(static_cast<uint64_t>(c.create.verdict));
  w.u64(c.seq).u64(c.from).u64(c.before).u64(c.since);
  w.boolean(c.has_seq).boolean(c.has_from).boolean(c.has_before).u64(c.limit).str(c.after);
  w.str(c.create.avatar).u64(c.seen).u64(static_cast<uint64_t>(c.until_ms)).boolean(c.typing);
  for (const std::optional<std::string>& text : {c.set.title, c.set.avatar})
    w.boolean(text.has_value()).str(text.value_or(""));
  return w.take();
}

bool decode(std::string_view data, ClientCall& c) {
  wire::Reader r(data);
  const uint64_t method = r.u64();
  c.method = static_cast<Method>(method);
  c.dialog = r.str();
  c.user = r.str();
  c.device = r.str();
  c.create.title = r.str();
  c.create.direct = r.boolean();
  c.create.open = r.boolean();
  c.create.history_all = r.boolean();
  get(r, c.create.members);
  const uint64_t op = r.u64(), role = r.u64();
  c.change.op = static_cast<Op>(op);
  c.change.role = static_cast<Role>(role);
  c.change.until_ms = static_cast<int64_t>(r.u64());
  get(r, c.change.users);
  const uint64_t verdict = r.u64();
  c.create.verdict = c.change.verdict = static_cast<Verdict>(verdict);
  c.seq = r.u64();
  c.from = r.u64();
  c.before = r.u64();
  c.since = r.u64();
  c.has_seq = r.boolean();
  c.has_from = r.boolean();
  c.has_before = r.boolean();
  c.limit = static_cast<uint32_t>(r.u64());
  c.after = r.str();
  c.create.avatar = r.str();
  c.seen = r.u64();
  c.until_ms = static_cast<int64_t>(r.u64());
  c.typing = r.boolean();
  for (std::optional<std::string>* text : {&c.set.title, &c.set.avatar}) {
    const bool given = r.boolean();
    std::string value(r.str());
    if (given) *text = std::move(value);
  }
  c.set.dialog = c.dialog;
  c.set.actor = c.user;
  c.create.dialog = c.change.dialog = c.dialog;
  c.create.creator = c.change.actor = c.user;
  return r.ok() && method <= static_cast<uint64_t>(Method::kCheckpoints) &&
         op <= static_cast<uint64_t>(Op::kUnban) && role <= 2 &&
         verdict <= static_cast<uint64_t>(Verdict::kFull);
}

}  // namespace lcg::dialog
