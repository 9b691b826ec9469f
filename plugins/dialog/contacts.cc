// SPDX-License-Identifier: Apache-2.0
#include "contacts.h"

#include <algorithm>

#include "lcg/provided.hpp"
#include "refusals.h"

namespace lcg::dialog {

namespace {

constexpr size_t kParallelCalls = 32;
constexpr int64_t kBlocksNs =
    60'000'000'000;  // read again after this, should nobody have said that it changed

}  // namespace

Contacts::Contacts(Host host, const Settings& settings, Inbox& inbox)
    : host_(host),
      store_(host),
      settings_(settings),
      inbox_(inbox),
      users_(host),
      creating_(static_cast<double>(settings.create_rate) / 60, settings.create_burst),
      adding_(static_cast<double>(settings.add_rate) / 60, settings.add_burst),
      admitting_(static_cast<double>(settings.max_added_by) / 60, settings.max_added_by) {}

// Where no plugin keeps blocks there are none; one that does not answer is no reason to think so.
bool Contacts::may_have_blocks() const { return provided(host_, "user"); }

bool Contacts::concerned(const ClientCall& call) {
  const Op op = call.change.op;
  return call.method == Method::kCreate ||
         (call.method == Method::kChange && (op == Op::kAdd || op == Op::kJoin));
}

Task<Reply> Contacts::reach(ClientCall call) {
  const bool create = call.method == Method::kCreate, add = !create && call.change.op == Op::kAdd;
  const int64_t now = host_.now_ns();
  std::vector<std::string>& others = create ? call.create.members : call.change.users;
  if (create || add) {
    // Both are paid or none: what is refused costs nothing.
    const double people = static_cast<double>(others.size()), dialogs = create ? 1 : 0;
    const uint64_t wait_ms =
        std::max(adding_.wait_ms(call.user, people, now), creating_.wait_ms(call.user, dialogs, now));
    if (wait_ms != 0) co_return retry_after(wait_ms);
    adding_.pay(call.user, people, now);
    if (create) creating_.pay(call.user, dialogs, now);
  }
  Verdict verdict = Verdict::kWelcome;
  if (!add) {
    Outcome<ListCount> count = co_await inbox_.count(call.user);
    if (!count.ok()) co_return busy(count.message);
    if (count.value.own >= settings_.max_dialogs) verdict = Verdict::kFull;
  }
  if (create || add) {
    Reply failed = co_await sort_out(call.user, create && call.create.direct, &others, &verdict);
    if (!failed.ok()) co_return failed;
  }
  call.create.verdict = call.change.verdict = verdict;
  std::string dialog = call.dialog;
  co_return co_await host_.call({"dialog", "rpc", std::move(dialog), encode(call)});
}

Task<> Contacts::ask(std::string user, std::string actor, bool direct, size_t index, WaitGroup* group,
                     Asked* asked) {
  std::string data = wire::Writer().str(actor).boolean(direct).take();
  Reply reply = co_await host_.call({"dialog", "admit", std::move(user), std::move(data)});
  wire::Reader r(reply.data);
  const uint64_t verdict = reply.ok() ? r.u64() : 0;
  if (!reply.ok() || !r.ok() || verdict > static_cast<uint64_t>(Verdict::kFull)) {
    asked->failed = busy("whether a user may be added is not known now");
  } else {
    asked->verdicts[index] = static_cast<Verdict>(verdict);
  }
  group->done();
}

// Leaves those in `users` who may be put in. Of a direct dialog the other stays, and `verdict` is about it.
Task<Reply> Contacts::sort_out(std::string actor, bool direct, std::vector<std::string>* users,
                               Verdict* verdict) {
  Asked asked;
  asked.verdicts.resize(users->size());
  for (size_t i = 0; i < users->size(); i += kParallelCalls) {
    WaitGroup group;
    for (size_t j = i; j < std::min(users->size(), i + kParallelCalls); ++j) {
      if ((*users)[j] == actor) continue;
      group.add();
      if (host_.spawn(ask((*users)[j], actor, direct, j, &group, &asked))) continue;
      asked.failed = busy("stopping");
      group.done();
    }
    co_await group.wait();
  }
  if (!asked.failed.ok()) co_return asked.failed;
  if (direct) {
    // That the other's list is full is the other's affair.
    const Verdict of_other = asked.verdicts.front();
    if (of_other != Verdict::kWelcome) *verdict = of_other == Verdict::kFull ? Verdict::kBlocked : of_other;
    co_return Reply();
  }
  std::vector<std::string> welcome;
  for (size_t i = 0; i < users->size(); ++i) {
    const bool out = asked.verdicts[i] == Verdict::kBlocked || asked.verdicts[i] == Verdict::kFull;
    if (!out) welcome.push_back(std::move((*users)[i]));
  }
  *users = std::move(welcome);
  co_return Reply();
}

// Groups that somebody puts the user into never take the room of direct dialogs, and those who add have a share each:
// a list that some have filled is open to the others.
Task<Outcome<bool>> Contacts::has_room(std::string user, std::string actor, bool direct) {
  Outcome<ListCount> count = co_await inbox_.count(user);
  if (!count.ok()) co_return {LCG_E_BUSY, count.message, false};
  const Caused& all = count.value.caused;
  if ((direct ? all.directs : all.groups) >= settings_.max_added) co_return {LCG_OK, {}, false};
  if (direct) co_return {LCG_OK, {}, true};
  Outcome<Caused> by_actor = co_await inbox_.caused(user, actor);
  if (!by_actor.ok()) co_return {LCG_E_BUSY, by_actor.message, false};
  if (by_actor.value.groups >= settings_.max_added_by) co_return {LCG_OK, {}, false};
  co_return {LCG_OK, {}, admitting_.pay(lane_key(user, actor), 1, host_.now_ns()) == 0};
}

Task<Reply> Contacts::admit(std::string user, std::string actor, bool direct) {
  Verdict verdict = Verdict::kWelcome;
  if (may_have_blocks()) {
    Outcome<user::Blocks> blocks = co_await users_.block_check(user, actor);
    if (!blocks.ok()) co_return busy(blocks.message);
    if (blocks.value.second_blocks_first) verdict = Verdict::kBlocking;
    if (blocks.value.first_blocks_second) verdict = Verdict::kBlocked;
  }
  if (verdict != Verdict::kBlocked) {
    Outcome<bool> room = co_await has_room(user, actor, direct);
    if (!room.ok()) co_return busy(room.message);
    if (!room.value) verdict = Verdict::kFull;
  }
  co_return Reply::with(wire::Writer().u64(static_cast<uint64_t>(verdict)).take());
}

bool Contacts::must_read_blocks(const Dialog& dialog) const {
  const Dialog::Blocks& blocks = dialog.blocks;
  return dialog.meta.direct && (!blocks.known || host_.now_ns() - blocks.read_ns > kBlocksNs);
}

Task<lcg_status> Contacts::read_blocks(DialogPtr dialog) {
  Dialog::Blocks& blocks = dialog->blocks;
  while (must_read_blocks(*dialog)) {
    const uint64_t changes = blocks.changes;
    const int64_t now = host_.now_ns();
    Outcome<storage::ScanRows> two = co_await store_.scan(dialog->id, {kMemberDocs, "", "", 2, false});
    if (!two.ok() || two.value.rows.size() != 2) co_return LCG_E_BUSY;
    const std::string a = two.value.rows[0].key, b = two.value.rows[1].key;
    Outcome<user::Blocks> read;
    if (may_have_blocks()) read = co_await users_.block_check(a, b);
    if (!read.ok()) co_return LCG_E_BUSY;
    if (changes != blocks.changes) continue;
    blocks.known = true;
    blocks.read_ns = now;
    blocks.by.clear();
    if (read.value.first_blocks_second) blocks.by.push_back(a);
    if (read.value.second_blocks_first) blocks.by.push_back(b);
  }
  co_return LCG_OK;
}

Reply Contacts::may_write(const Dialog& dialog, const std::string& user) {
  if (!dialog.meta.direct) return Reply();
  if (!dialog.blocks.known) return busy("who has blocked whom has just changed");
  bool own = false;
  for (const std::string& by : dialog.blocks.by) {
    if (by != user) return denied();
    own = true;
  }
  return own ? conflict("unblock", chat::code::kBlocking) : Reply();
}

void Contacts::forget_blocks(Dialog& dialog) const {
  ++dialog.blocks.changes;
  dialog.blocks.known = false;
}

}  // namespace lcg::dialog
