// SPDX-License-Identifier: Apache-2.0
#include "tcc.h"

#include <algorithm>

#include "eraser.h"
#include "refusals.h"

namespace lcg::dialog {

void Fence::add(uint64_t id, int64_t now_ns) {
  if (ids_.insert(id).second) order_.emplace_back(now_ns + kFenceTimeNs, id);
  while (!order_.empty() && (order_.front().first <= now_ns || order_.size() > kMaxIds)) {
    ids_.erase(order_.front().second);
    order_.pop_front();
  }
}

void Fence::remove(uint64_t id) {
  if (ids_.erase(id) != 0) std::erase_if(order_, [id](const auto& item) { return item.second == id; });
}

namespace {

chat::Position position_of(const Entry& e) { return {e.id, e.dseq, e.useq, e.cseq, e.ts_ms}; }

Reply committed(const Entry& e) {
  return Reply::with(encode(Resolution{Resolution::State::kCommitted, position_of(e)}));
}

std::shared_ptr<Pending> find_pending(const Dialog& dialog, uint64_t id) {
  const auto it = dialog.pending_messages.find(id);
  return it == dialog.pending_messages.end() ? nullptr : it->second;
}

// Of the same message, and not durable yet.
std::shared_ptr<Pending> pending_recall(const Dialog& dialog, uint64_t target) {
  for (const auto& pending : dialog.pending)
    if (pending->entry->kind == chat::Kind::kRecall && pending->entry->target == target) return pending;
  return nullptr;
}

Reply prepared_answer(const TryRequest& q) {
  return Reply::with(encode(TryAnswer{TryAnswer::State::kPrepared, {q.id, 0, 0, q.key.cseq, 0}}));
}
Reply duplicate_answer(const TryRequest& q) {
  return Reply::with(encode(TryAnswer{TryAnswer::State::kDuplicate, {0, 0, 0, q.key.cseq, 0}}));
}
Reply stale(uint64_t epoch) {
  return conflict("stale_epoch:" + std::to_string(epoch), chat::code::kStaleEpoch);
}
// A device of a new epoch that does not know of it: it counts on where it was under the old one. It must not be told to
// send again (1001) what it has sent.
bool goes_on_counting(const Lane& lane, const chat::Key& key) { return key.cseq > 1 && lane.last_cseq != 0; }
// The device's number was used, or given up.
bool passed(const Lane& lane, const TryRequest& q) {
  return q.numbered && q.key.epoch == lane.epoch && q.key.cseq <= lane.last_cseq;
}

}  // namespace

Reply Tcc::check_member(const Dialog& dialog, const Member* member, const TryRequest& q) const {
  if (member == nullptr || member->standing == Standing::kOut) return denied();
  if (member->standing == Standing::kBanned) return refused("banned", chat::code::kBanned);
  if (member->muted_until_ms > host_.wall_ms()) return muted(member->muted_until_ms);
  const bool own = q.target_user == q.key.user;
  if (q.kind == chat::Kind::kEdit && !own) return denied();
  if (q.kind == chat::Kind::kRecall && !own && member->role == Role::kMember) return denied();
  if (q.kind != chat::Kind::kRecall) {  // one's own words may be taken back
    Reply refusal = Contacts::may_write(dialog, q.key.user);
    if (!refusal.ok()) return refusal;
  }
  if (q.useq_expect != 0 && q.useq_expect != member->last_useq + 1)
    return conflict("last_useq:" + std::to_string(member->last_useq), chat::code::kUserOrder);
  return Reply();
}

// Nothing is added to a message that is taken back, or about to be: whoever takes it back takes back what was said of it
// until then. What the log does not say yet, this does. Another recall is not refused for one that may fail yet.
bool Tcc::says_of_recalled(const Dialog& dialog, const TryRequest& q, bool erased) const {
  if (q.kind == chat::Kind::kMessage || (!erased && !recalled_.has(q.target))) return false;
  return q.kind != chat::Kind::kRecall || pending_recall(dialog, q.target) == nullptr;
}

Reply Tcc::check_lane(Dialog& dialog, Lane& lane, const TryRequest& q) {
  if (q.key.epoch < lane.epoch) return stale(lane.epoch);
  if (q.key.epoch > lane.epoch) {
    if (q.numbered && goes_on_counting(lane, q.key)) return stale(q.key.epoch);
    // The registry has issued a new epoch: the install counts from 1 again.
    for (const auto& [cseq, id] : std::map<uint64_t, uint64_t>(lane.prepared)) {
      fence_.add(id, host_.now_ns());
      forget(dialog, id);
    }
    lane.epoch = q.key.epoch;
    lane.last_cseq = 0;
  }
  if (!q.numbered)
    return lane.unacknowledged < kMaxUnnumbered ? Reply()
                                                : busy("too many messages of this device in flight");
  const auto held = lane.prepared.find(q.key.cseq);
  if (held != lane.prepared.end()) {
    if (held->second != q.id) {
      fence_.add(held->second, host_.now_ns());
      forget(dialog, held->second);
    }
    return Reply();
  }
  if (q.key.cseq > lane.last_cseq + 1 + lane.prepared.size())
    return conflict("resend_from:" + std::to_string(lane.last_cseq + 1), chat::code::kResendFrom);
  if (lane.prepared.size() + lane.unacknowledged >= std::min(q.window, chat::kMaxWindow))
    return conflict("window:" + std::to_string(q.window), chat::code::kWindowExceeded);
  return Reply();
}

Task<Reply> Tcc::try_send(TryRequest request) {
  Outcome<DialogPtr> opened = co_await directory_.open(request.key.dialog);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, request.key.user);
  if (!member.ok()) co_return busy(member.message);
  const bool in = member.value != nullptr && member.value->in();
  Outcome<LanePtr> lane = co_await directory_.lane(dialog, request.key, request.ephemeral, in);
  if (!lane.ok()) co_return busy(lane.message);
  // What was answered once is answered again, whatever holds by now: membership, mutes and blocks are asked
  // about what is new.
  if (find_pending(*dialog, request.id) != nullptr) co_return prepared_answer(request);
  if (passed(*lane.value, request)) co_return duplicate_answer(request);
  if (contacts_.must_read_blocks(*dialog)) {
    const lcg_status read = co_await contacts_.read_blocks(dialog);
    if (read != LCG_OK) co_return busy("who has blocked whom is not known now");
  }
  Reply refusal = check_member(*dialog, member.value, request);
  if (!refusal.ok()) co_return refusal;
  if (!in) lane = co_await directory_.lane(dialog, request.key, request.ephemeral);  // came back just now
  if (!lane.ok()) co_return busy(lane.message);

  Prepared prepared;
  bool erased = false;
  if (request.kind != chat::Kind::kMessage) {
    Outcome<EntryPtr> target = co_await reader_.entry(dialog, request.target_dseq);
    if (target.status == LCG_E_BUSY) co_return busy(target.message);
    if (!target.ok() || target.value->id != request.target) co_return denied();
    erased = target.value->recalled;
    if (request.kind == chat::Kind::kRecall)
      prepared.target_entry = encode(Eraser::without_text(*target.value));
  }
  const lcg_status dirty = co_await notifier_.ensure_dirty(dialog);
  if (dirty != LCG_OK || !dialog->usable()) co_return busy("the dialog is being read again");

  // From here to the answer nothing suspends: what is checked is what holds.
  if (fence_.has(request.id)) co_return Reply::error(LCG_E_STALE, "cancelled");
  if (find_pending(*dialog, request.id) != nullptr) co_return prepared_answer(request);
  if (passed(*lane.value, request)) co_return duplicate_answer(request);
  if (says_of_recalled(*dialog, request, erased)) co_return recalled();
  refusal = check_member(*dialog, member.value, request);
  if (!refusal.ok()) co_return refusal;
  refusal = check_lane(*dialog, *lane.value, request);
  if (!refusal.ok()) co_return refusal;
  if (dialog->prepared.size() >= kMaxPrepared) co_return busy("too many messages in flight");
  Reply answer = prepared_answer(request);
  if (request.numbered) lane.value->prepared[request.key.cseq] = request.id;
  prepared.deadline_ns = host_.now_ns() + settings_.try_time.count() * 1'000'000;
  const uint64_t id = request.id;
  prepared.request = std::move(request);
  dialog->prepared.insert_or_assign(id, std::move(prepared));
  co_return answer;
}

void Tcc::forget(Dialog& dialog, uint64_t id) { static_cast<void>(take(dialog, id)); }

std::optional<Prepared> Tcc::take(Dialog& dialog, uint64_t id) {
  const auto it = dialog.prepared.find(id);
  if (it == dialog.prepared.end()) return std::nullopt;
  const chat::Key& key = it->second.request.key;
  const auto lane = dialog.lanes.find(lane_key(key.user, key.device));
  if (lane != dialog.lanes.end()) {
    const auto held = lane->second->prepared.find(key.cseq);
    if (held != lane->second->prepared.end() && held->second == id) lane->second->prepared.erase(held);
  }
  std::optional<Prepared> taken(std::move(it->second));
  dialog.prepared.erase(it);
  dialog.lane_moved.pulse();
  return taken;
}

void Tcc::expire(Dialog& dialog) {
  const int64_t now = host_.now_ns();
  std::vector<uint64_t> late;
  for (const auto& [id, prepared] : dialog.prepared)
    if (prepared.deadline_ns <= now) late.push_back(id);
  for (const uint64_t id : late) forget(dialog, id);
}

void Tcc::stop_waiting() {
  for (Dialog* dialog : waiting_) dialog->lane_moved.pulse();
}

Task<Reply> Tcc::settled(std::shared_ptr<Pending> pending) {
  co_await pending->outcome.wait();
  if (pending->outcome.get()) co_return committed(*pending->entry);
  co_return busy("the store did not take the entry");
}

Task<Reply> Tcc::confirm(chat::Key key, uint64_t id) {
  for (;;) {
    Outcome<DialogPtr> opened = co_await directory_.open(key.dialog);
    if (!opened.ok()) co_return not_open(opened);
    const DialogPtr dialog = std::move(opened.value);
    Outcome<Member*> member = co_await directory_.member(dialog, key.user);
    if (!member.ok()) co_return busy(member.message);
    auto held = dialog->prepared.find(id);
    if (held == dialog->prepared.end()) {
      // Confirmed before, or forgotten.
      if (const auto pending = find_pending(*dialog, id)) {
        co_await pending->outcome.wait();
        if (!pending->outcome.get()) co_return busy("the store did not take the entry");
        co_return Reply::with(encode(position_of(*pending->entry)));
      }
      Outcome<Resolution> known = co_await look_up(dialog, key, id);
      if (!known.ok()) co_return busy(known.message);
      if (known.value.state == Resolution::State::kCommitted)
        co_return Reply::with(encode(known.value.position));
      co_return Reply::error(LCG_E_NOT_FOUND, "not held");
    }
    Outcome<LanePtr> lane = co_await directory_.lane(dialog, key, held->second.request.ephemeral);
    if (!lane.ok()) co_return busy(lane.message);
    if (contacts_.must_read_blocks(*dialog)) {
      const lcg_status read = co_await contacts_.read_blocks(dialog);
      if (read != LCG_OK) co_return busy("who has blocked whom is not known now");
    }

    held = dialog->prepared.find(id);
    if (held == dialog->prepared.end()) continue;
    const TryRequest& request = held->second.request;
    const bool in_turn = !request.numbered || request.key.cseq == lane.value->last_cseq + 1;
    if (!in_turn && lane.value->prepared.begin()->first < request.key.cseq) {
      if (host_.stopping()) co_return busy("stopping");
      const auto waiting = waiting_.insert(dialog.get());
      co_await dialog->lane_moved.wait();  // the predecessor is confirmed, cancelled or expires
      waiting_.erase(waiting);
      continue;
    }
    if (request.kind == chat::Kind::kRecall) {
      if (const auto other = pending_recall(*dialog, request.target)) {
        co_await other->outcome.wait();
        continue;
      }
    }
    Reply refusal = check_member(*dialog, member.value, request);
    if (refusal.ok() && says_of_recalled(*dialog, request, false)) refusal = recalled();
    if (refusal.ok() && !in_turn)
      refusal = conflict("resend_from:" + std::to_string(lane.value->last_cseq + 1), chat::code::kResendFrom);
    if (!refusal.ok()) {
      forget(*dialog, id);
      co_return refusal;
    }
    std::optional<Prepared> prepared = take(*dialog, id);
    if (!prepared) continue;
    co_return co_await submit(dialog, *std::move(prepared), member.value, lane.value);
  }
}

// The commit point. REQUIRES: everything was checked, and nothing suspended since.
Task<Reply> Tcc::submit(DialogPtr dialog, Prepared prepared, Member* member, LanePtr lane) {
  TryRequest& q = prepared.request;
  Entry entry;
  entry.kind = q.kind;
  entry.id = q.id;
  entry.user = q.key.user;
  entry.device = q.key.device;
  entry.epoch = q.key.epoch;
  entry.session = std::move(q.session);
  entry.type = std::move(q.type);
  entry.body = std::move(q.body);
  entry.body_bytes = q.body_bytes;
  entry.target = q.target;
  entry.target_dseq = q.target_dseq;
  log_.place(*dialog, entry);
  entry.useq = member->last_useq + 1;
  entry.uprev = member->last_dseq;
  entry.cprev = lane->last_dseq;
  entry.cseq = q.numbered ? q.key.cseq : lane->last_cseq + 1;

  member->last_useq = entry.useq;
  member->last_dseq = entry.dseq;
  lane->epoch = q.key.epoch;
  lane->last_cseq = entry.cseq;
  lane->last_dseq = entry.dseq;
  ++lane->unacknowledged;
  storage::Batch batch;
  batch.put(kMemberDocs, q.key.user, encode(*member));
  if (!q.ephemeral) batch.put(kLaneDocs, lane_key(q.key.user, q.key.device), encode(*lane));
  uint64_t taken_back = 0;
  if (q.kind == chat::Kind::kRecall) {
    Entry erased;
    if (decode(prepared.target_entry, erased)) Eraser::take_out(*dialog, erased, &batch);
    taken_back = q.target;
    recalled_.add(taken_back, host_.now_ns());
  }
  const chat::Position position = position_of(entry);
  const lcg_status status = co_await log_.append(dialog, std::move(entry), std::move(batch));
  --lane->unacknowledged;
  dialog->lane_moved.pulse();
  if (status == LCG_OK) co_return Reply::with(encode(position));
  // Whether it is in the log is told by reading that again.
  if (taken_back != 0) recalled_.remove(taken_back);
  co_return Reply::error(status == LCG_E_TIMEOUT ? LCG_E_TIMEOUT : LCG_E_UNAVAILABLE,
                         "the store did not answer");
}

Task<Reply> Tcc::cancel(chat::Key key, uint64_t id) {
  Outcome<DialogPtr> opened = co_await directory_.open(key.dialog);
  if (!opened.ok())
    co_return opened.status == LCG_E_NOT_FOUND ? Reply::with(encode(Resolution{})) : not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  if (const auto pending = find_pending(*dialog, id)) co_return co_await settled(pending);
  if (dialog->prepared.contains(id)) {
    fence_.add(id, host_.now_ns());
    forget(*dialog, id);
    co_return Reply::with(encode(Resolution{}));
  }
  // Fenced first: what is not in the log now never will be.
  fence_.add(id, host_.now_ns());
  Outcome<Resolution> known = co_await look_up(dialog, key, id);
  if (!known.ok()) co_return busy(known.message);
  co_return Reply::with(encode(known.value));
}

Task<Reply> Tcc::resolve(chat::Key key, uint64_t id) {
  Outcome<DialogPtr> opened = co_await directory_.open(key.dialog);
  if (opened.status == LCG_E_NOT_FOUND) co_return Reply::with(encode(Resolution{}));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  if (find_pending(*dialog, id) != nullptr || dialog->prepared.contains(id))
    co_return Reply::with(encode(Resolution{Resolution::State::kPrepared, {}}));
  Outcome<Resolution> known = co_await look_up(dialog, key, id);
  if (!known.ok()) co_return busy(known.message);
  co_return Reply::with(encode(known.value));
}

Task<Outcome<Resolution>> Tcc::look_up(DialogPtr dialog, chat::Key key, uint64_t id) {
  // A number the device has not reached is not in the log: no need to look.
  const auto lane = dialog->lanes.find(lane_key(key.user, key.device));
  if (key.cseq != 0 && key.epoch != 0 && lane != dialog->lanes.end()) {
    const Lane& l = *lane->second;
    if (key.epoch > l.epoch || (key.epoch == l.epoch && key.cseq > l.last_cseq)) co_return {LCG_OK, {}, {}};
  }
  Outcome<EntryPtr> found = co_await reader_.find(dialog, id);
  if (!found.ok()) co_return {found.status, found.message, {}};
  if (found.value == nullptr) co_return {LCG_OK, {}, {}};
  if (found.value->dseq > dialog->head && find_pending(*dialog, id) == nullptr) {
    // It got there behind our back, and may not be durable: what is in memory is out of date.
    directory_.fail(*dialog);
  }
  if (!dialog->usable() || found.value->dseq > dialog->head) co_return {LCG_E_BUSY, "not durable yet", {}};
  co_return {LCG_OK, {}, {Resolution::State::kCommitted, position_of(*found.value)}};
}

Task<Reply> Tcc::give_up(chat::Key key) {
  Outcome<DialogPtr> opened = co_await directory_.open(key.dialog);
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, key.user);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr) co_return denied();
  Outcome<LanePtr> found = co_await directory_.lane(dialog, key, false);
  if (!found.ok()) co_return busy(found.message);
  Lane& lane = *found.value;
  if (key.epoch < lane.epoch) co_return stale(lane.epoch);
  if (key.epoch > lane.epoch) {
    if (goes_on_counting(lane, key)) co_return stale(key.epoch);
    lane.epoch = key.epoch;
    lane.last_cseq = 0;
  }
  if (key.cseq <= lane.last_cseq) co_return Reply();
  if (key.cseq != lane.last_cseq + 1)
    co_return conflict("resend_from:" + std::to_string(lane.last_cseq + 1), chat::code::kResendFrom);
  const auto held = lane.prepared.find(key.cseq);
  if (held != lane.prepared.end()) {
    fence_.add(held->second, host_.now_ns());
    forget(*dialog, uint64_t{held->second});
  }
  lane.last_cseq = key.cseq;
  storage::Batch batch;
  batch.put(kLaneDocs, lane_key(key.user, key.device), encode(lane));
  const lcg_status status = co_await log_.write(dialog, std::move(batch));
  dialog->lane_moved.pulse();
  if (status != LCG_OK) co_return busy("the store did not answer");
  co_return Reply();
}

}  // namespace lcg::dialog
