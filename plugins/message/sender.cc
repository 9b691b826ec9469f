// SPDX-License-Identifier: Apache-2.0
#include "sender.h"

#include "lcg/commits.hpp"

namespace lcg::message {

namespace {

// Each ends in an answer unless a crash, an expiry or a cancel came between, or a plugin put another body in place.
constexpr int kMaxAttempts = 5;

Reply position_reply(const chat::Position& position) { return Reply::with(dialog::encode(position)); }
Reply key_reuse() { return Reply::error(LCG_E_CONFLICT, "key_reuse", chat::code::kKeyReuse); }
Reply void_number() { return Reply::error(LCG_E_CONFLICT, "void", chat::code::kVoid); }
Reply refused_before(const KeyEntry& e) { return Reply::error(LCG_E_DENIED, e.refused_why, e.refused_code); }
Reply denied() { return Reply::error(LCG_E_DENIED, "permission denied", chat::code::kDenied); }
// Nothing is known to have happened, or it is not known whether it did: the same key may be sent again.
Reply retry_later() { return Reply::error(LCG_E_BUSY, "try again with the same cseq"); }

// A refusal is final for this attempt; anything else leaves the outcome open.
bool is_refusal(const Reply& reply) {
  switch (reply.status) {
    case LCG_E_INVALID:
    case LCG_E_DENIED:
    case LCG_E_CONFLICT:
      return true;
    default:
      return false;
  }
}

}  // namespace

// Ends a flight on every way out of send(): with the answer, or with an internal error when it was left by an
// exception.
class Sender::Landing {
 public:
  Landing(Sender& owner, std::string key, std::string hash)
      : owner_(owner), key_(std::move(key)), flight_(std::make_shared<Flight>()) {
    flight_->content_hash = std::move(hash);
    owner_.flights_.emplace(key_, flight_);
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  ~Landing() {
    owner_.flights_.erase(key_);
    flight_->answer.set(Reply::error(LCG_E_INTERNAL, "internal error"));
  }
  void answer(const Reply& reply) { flight_->answer.set(reply); }

 private:
  Sender& owner_;
  const std::string key_;
  const std::shared_ptr<Flight> flight_;
};

Sender::Sender(Host host, IdAllocator& ids, SlotGate& slots, Settler& settler, Erasure& erasure)
    : host_(host),
      store_(host),
      dialogs_(host),
      ids_(ids),
      slots_(slots),
      settler_(settler),
      erasure_(erasure) {}

bool Sender::in_flight(const chat::Key& key) const {
  return key.cseq != 0 && flights_.contains(storage_key(key));
}

Task<Reply> Sender::send(SendRequest request) {
  auto work = std::make_shared<Work>();
  work->request = std::move(request);
  if (work->request.kind != chat::Kind::kMessage) {
    Reply refused = co_await find_target(work);
    if (!refused.ok()) co_return refused;
  }
  work->slot = host_.slot_of(work->request.key.dialog);
  work->hash = content_hash(work->request);
  work->body = std::move(work->request.body);
  const std::string key = storage_key(work->request.key);
  if (!work->request.numbered) {
    const auto lane = co_await lanes_.acquire(key);
    co_return co_await fly(work);
  }
  const auto flying = flights_.find(key);
  if (flying != flights_.end()) {
    const std::shared_ptr<Flight> flight = flying->second;
    if (flight->content_hash.empty()) co_return retry_later();  // being given up
    if (flight->content_hash != work->hash) co_return key_reuse();
    co_await flight->answer.wait();
    co_return flight->answer.get();
  }
  Landing landing(*this, key, work->hash);
  Reply reply = co_await fly(work);
  landing.answer(reply);
  co_return reply;
}

Task<Reply> Sender::fly(std::shared_ptr<Work> work) {
  const lcg_status ready = co_await slots_.ready(work->slot);
  if (ready != LCG_OK) co_return retry_later();
  new_record(*work);
  for (int i = 0; i < kMaxAttempts; ++i) {
    bool again = false;
    Reply reply = co_await attempt(work, &again);
    if (!again) co_return reply;
  }
  if (work->stored) settler_.resolve_later(work->record.id);
  co_return retry_later();
}

// An edit, a recall or a reaction is about a message of a dialog, and goes to that dialog. Whether the sender
// may do it is the dialog's to say; a message that is not there looks like one that may not be seen.
Task<Reply> Sender::find_target(std::shared_ptr<Work> work) {
  SendRequest& q = work->request;
  Outcome<Record> target = co_await settler_.load(q.target);
  if (target.status == LCG_E_NOT_FOUND) co_return denied();
  if (!target.ok()) co_return retry_later();
  if (target.value.status == Status::kTrying) {
    Outcome<dialog::Resolution> resolution = co_await ask_log(target.value);
    if (!resolution.ok()) co_return retry_later();
    target.value.position = resolution.value.position;
  }
  const Record& r = target.value;
  if (r.position.dseq == 0 || r.kind != chat::Kind::kMessage) co_return denied();
  if (!q.key.dialog.empty() && q.key.dialog != r.key.dialog) co_return denied();
  q.key.dialog = r.key.dialog;
  work->target = std::move(target.value);
  co_return Reply();
}

void Sender::new_record(Work& work) {
  Record& r = work.record;
  const SendRequest& q = work.request;
  r = Record{};
  r.key = q.key;
  r.target = q.target;
  r.id = ids_.next(work.slot, host_.wall_ms());
  r.created_ms = r.updated_ms = ms_of_id(r.id);
  r.numbered = q.numbered;
  r.kind = q.kind;
  r.type = q.type;
  put_body(work);
  work.stored = false;
}

void Sender::put_body(Work& work) {
  work.record.body_bytes = work.body.size();
  work.record.body = work.record.inline_body() ? work.body : std::string();
}

dialog::TryRequest Sender::try_request(const Work& work) const {
  const SendRequest& q = work.request;
  dialog::TryRequest t;
  t.key = q.key;
  t.numbered = q.numbered;
  t.ephemeral = q.ephemeral;
  t.window = q.window;
  t.useq_expect = q.useq_expect;
  t.id = work.record.id;
  t.kind = q.kind;
  t.type = q.type;
  t.body_bytes = work.body.size();
  if (work.body.size() <= chat::kInlineBodyBytes) t.body = work.body;
  t.session = q.session;
  t.target = q.target;
  t.target_dseq = work.target.position.dseq;
  t.target_user = work.target.key.user;
  return t;
}

void Sender::put_record(storage::Batch& batch, const Work& work) const {
  const std::string id = storage::key_u64(work.record.id);
  batch.put(kRecords, id, encode(work.record)).put(kTryingIndex, id, "");
  if (!work.record.inline_body()) batch.put(kBodies, id, work.body);
  if (work.record.kind == chat::Kind::kRecall) {
    Erasure::put_erasing(batch, work.record);
  } else if (work.record.kind != chat::Kind::kMessage) {
    Erasure::put_about(batch, work.record);
  }
}

Task<Reply> Sender::attempt(std::shared_ptr<Work> work, bool* again) {
  Reply tried = co_await dialogs_.try_send(try_request(*work));
  // Our message was cancelled by the resolver just now: another takes its place.
  if (tried.status == LCG_E_STALE && work->stored) co_return co_await known_key(work, again);
  dialog::TryAnswer answer;
  if (!tried.ok() || !dialog::decode(tried.data, answer)) {
    if (work->stored) settler_.resolve_later(work->record.id);
    if (tried.ok()) co_return retry_later();
    co_return tried;
  }
  if (answer.state == dialog::TryAnswer::State::kDuplicate) co_return co_await duplicate(work);
  if (work->target.recalled) {
    Reply cancelled = co_await dialogs_.cancel(work->request.key, work->record.id);
    if (work->stored) settle(work->record, Status::kCancelled, {});
    co_return Reply::error(LCG_E_CONFLICT, "recalled", chat::code::kRecalled);
  }

  if (!work->stored && must_judge(*work)) {
    std::optional<KeyEntry> before;
    if (work->request.numbered) {
      Outcome<KeyEntry> entry = co_await find_key(work->request.key);
      const bool known = entry.ok() && (!entry.value.refused() || entry.value.may_be(work->hash));
      if (known || (!entry.ok() && entry.status != LCG_E_NOT_FOUND)) {
        Reply cancelled = co_await dialogs_.cancel(work->request.key, work->record.id);
        if (!known) co_return retry_later();
        co_return co_await known_key(work, again);
      }
      if (entry.ok()) before = std::move(entry.value);
    }
    Reply judged = co_await judge(work, std::move(before));
    if (!judged.ok()) {
      Reply cancelled = co_await dialogs_.cancel(work->request.key, work->record.id);
      co_return judged;
    }
    if (!judged.data.empty()) {  // the dialog holds what the client said: it is tried again with what is kept
      *again = true;
      co_return retry_later();
    }
  }
  if (!work->stored) {
    storage::Batch batch;
    batch.durable = false;  // the dialog's durable append covers it
    put_record(batch, *work);
    if (work->request.numbered) {
      const std::string key = storage_key(work->request.key);
      batch.require_absent(kKeys, key).put(kKeys, key, encode(KeyEntry{work->record.id, work->hash}));
    }
    Reply stored = co_await store_.commit(partition_of_slot(work->slot), std::move(batch));
    if (!stored.ok()) {
      Reply cancelled = co_await dialogs_.cancel(work->request.key, work->record.id);
      if (stored.status == LCG_E_CONFLICT) co_return co_await known_key(work, again);
      settler_.resolve_later(work->record.id);  // it may have been written
      co_return retry_later();
    }
    work->stored = true;
  }
  co_return co_await commit(work, again);
}

Task<Reply> Sender::commit(std::shared_ptr<Work> work, bool* again) {
  // Its record is stored. Whatever becomes of this send, a recall that commits is followed by its erasure.
  if (work->record.kind == chat::Kind::kRecall) erasure_.found(work->record.id);
  Reply confirmed = co_await dialogs_.confirm(work->request.key, work->record.id);
  chat::Position position;
  if (confirmed.ok() && dialog::decode(confirmed.data, position)) {
    settle(work->record, Status::kConfirmed, position);
    if (work->record.kind != chat::Kind::kRecall) co_return confirmed;
    work->record.position = position;
    co_return co_await committed(std::move(work->record));
  }
  if (confirmed.status == LCG_E_NOT_FOUND) {
    *again = true;  // the dialog forgot what it held: it was reloaded
    co_return retry_later();
  }
  if (is_refusal(confirmed)) {
    settle(work->record, Status::kCancelled, {});
    co_return confirmed;
  }
  settler_.resolve_later(work->record.id);
  co_return retry_later();
}

Task<Reply> Sender::committed(Record record) {
  const chat::Position position = record.position;
  if (record.kind == chat::Kind::kRecall && erasure_.pending(record.id)) {
    const lcg_status erased = co_await erasure_.erase(std::move(record));
    if (erased != LCG_OK) co_return retry_later();  // it goes on by itself
  }
  co_return position_reply(position);
}

Task<Reply> Sender::known_key(std::shared_ptr<Work> work, bool* again) {
  Outcome<KeyEntry> entry = co_await find_key(work->request.key);
  if (!entry.ok()) co_return retry_later();
  if (entry.value.refused()) {
    if (entry.value.may_be(work->hash)) co_return refused_before(entry.value);
    Record nothing;
    nothing.status = Status::kCancelled;
    nothing.attempt = 0;
    co_return co_await replace(work, std::move(nothing), std::move(entry.value), again);
  }
  Outcome<Record> found = co_await settler_.load(entry.value.id);
  if (!found.ok()) co_return retry_later();
  Record record = std::move(found.value);

  if (record.status == Status::kTrying) {
    // Left by a crash or by an attempt whose outcome was open.
    Outcome<dialog::Resolution> resolution = co_await ask_log(record);
    if (!resolution.ok()) co_return retry_later();
    if (resolution.value.state == dialog::Resolution::State::kCommitted) {
      record.status = Status::kConfirmed;
      record.position = resolution.value.position;
    }
  }
  if (!entry.value.may_be(work->hash) && record.status != Status::kCancelled) co_return key_reuse();
  if (record.status == Status::kConfirmed) co_return co_await committed(std::move(record));
  if (record.status == Status::kTrying && record.id != work->record.id) {
    Outcome<std::string> body = co_await body_of(record);
    if (!body.ok()) co_return retry_later();
    work->body = std::move(body.value);  // as it was judged then
    work->judged = true;
    work->record = std::move(record);
    work->stored = true;
    *again = true;
    co_return retry_later();
  }
  co_return co_await replace(work, std::move(record), std::move(entry.value), again);
}

Task<Reply> Sender::replace(std::shared_ptr<Work> work, Record cancelled, KeyEntry entry, bool* again) {
  if (must_judge(*work)) {
    Reply judged = co_await judge(work, entry);
    if (!judged.ok()) co_return judged;
  }
  storage::Batch batch;
  batch.durable = false;
  const uint64_t attempts = cancelled.attempt;
  if (cancelled.status == Status::kTrying) {
    cancelled.status = Status::kCancelled;
    cancelled.updated_ms = host_.wall_ms();
    cancelled.erase_text();
    batch.erase(kBodies, storage::key_u64(cancelled.id));
    batch.put(kRecords, storage::key_u64(cancelled.id), encode(cancelled));
    batch.erase(kTryingIndex, storage::key_u64(cancelled.id));
  }
  const uint64_t earlier = cancelled.id;
  new_record(*work);
  work->record.attempt = attempts + 1;
  put_record(batch, *work);
  if (earlier != 0) Erasure::put_earlier(batch, work->record, earlier);
  const std::string key = storage_key(work->request.key);
  batch.require_equals(kKeys, key, encode(entry));
  batch.put(kKeys, key, encode(KeyEntry{work->record.id, work->hash}));
  Reply stored = co_await store_.commit(partition_of_slot(work->slot), std::move(batch));
  if (!stored.ok()) {
    settler_.resolve_later(work->record.id);
    co_return retry_later();
  }
  work->stored = true;
  *again = true;
  co_return retry_later();
}

// A recall says nothing.
bool Sender::must_judge(const Work& work) const {
  return !work.judged && work.request.kind != chat::Kind::kRecall && commits_are_judged(host_);
}

Task<Reply> Sender::judge(std::shared_ptr<Work> work, std::optional<KeyEntry> before) {
  const SendRequest& q = work->request;
  Commit commit;
  commit.kind = q.kind == chat::Kind::kMessage ? LCG_COMMIT_MESSAGE
                : q.kind == chat::Kind::kEdit  ? LCG_COMMIT_EDIT
                                               : LCG_COMMIT_REACT;
  commit.peer.session_id = q.session;
  commit.peer.user_id = q.key.user;
  commit.peer.device_id = q.key.device;
  commit.peer.device_epoch = q.key.epoch;
  if (q.ephemeral) commit.peer.flags = LCG_PEER_EPHEMERAL_DEVICE;
  commit.channel = "dialog:" + q.key.dialog;
  commit.type = q.type;
  commit.data = work->body;
  commit.target = q.target;
  commit.cseq = q.numbered ? q.key.cseq : 0;
  commit.max_bytes = chat::kMaxBodyBytes;
  Reply verdict = co_await judge_commit(host_, std::move(commit));
  if (verdict.status == LCG_E_DENIED && q.numbered) {
    const std::string key = storage_key(q.key);
    storage::Batch batch;
    batch.durable = false;  // after a loss of power the same is asked again
    if (before) {
      batch.require_equals(kKeys, key, encode(*before));
    } else {
      batch.require_absent(kKeys, key);
    }
    batch.put(kKeys, key, encode(KeyEntry{0, work->hash, verdict.error_code, verdict.message}));
    Reply kept = co_await store_.commit(partition_of_slot(work->slot), std::move(batch));
  }
  if (verdict.status == LCG_E_DENIED) co_return verdict;
  if (!verdict.ok()) co_return retry_later();
  work->judged = true;
  if (!verdict.data.empty()) {
    work->body = verdict.data;
    put_body(*work);
  }
  co_return verdict;
}

Task<Outcome<std::string>> Sender::body_of(Record record) const {
  if (record.inline_body()) co_return {LCG_OK, {}, std::move(record.body)};
  Reply stored =
      co_await store_.get(partition_of_slot(slot_of_id(record.id)), kBodies, storage::key_u64(record.id));
  co_return {stored.status, std::move(stored.message), std::move(stored.data)};
}

Task<Reply> Sender::duplicate(std::shared_ptr<Work> work) {
  Outcome<KeyEntry> entry = co_await find_key(work->request.key);
  if (entry.status == LCG_E_NOT_FOUND) co_return void_number();
  if (!entry.ok()) co_return retry_later();
  if (entry.value.refused()) co_return void_number();  // it was given up
  if (!entry.value.may_be(work->hash)) co_return key_reuse();
  Outcome<Record> found = co_await settler_.load(entry.value.id);
  if (!found.ok()) co_return retry_later();
  if (found.value.status == Status::kConfirmed) co_return co_await committed(std::move(found.value));
  if (found.value.status == Status::kCancelled) co_return void_number();
  Outcome<dialog::Resolution> resolution = co_await ask_log(found.value);
  if (!resolution.ok()) co_return retry_later();
  if (resolution.value.state == dialog::Resolution::State::kCommitted) {
    found.value.position = resolution.value.position;
    co_return co_await committed(std::move(found.value));
  }
  settler_.resolve_later(found.value.id);
  co_return void_number();
}

Task<Outcome<KeyEntry>> Sender::find_key(chat::Key key) const {
  Reply reply = co_await store_.get(partition_of_slot(host_.slot_of(key.dialog)), kKeys, storage_key(key));
  Outcome<KeyEntry> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<Outcome<dialog::Resolution>> Sender::ask_log(Record record) {
  Reply reply = co_await dialogs_.resolve(record.key, record.id);
  Outcome<dialog::Resolution> out{reply.status, reply.message, {}};
  if (out.ok() && !dialog::decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  if (out.ok() && out.value.state == dialog::Resolution::State::kCommitted)
    settle(std::move(record), Status::kConfirmed, out.value.position);
  co_return out;
}

void Sender::settle(Record record, Status status, const chat::Position& position) {
  record.status = status;
  record.position = position;
  record.updated_ms = status == Status::kConfirmed ? position.ts_ms : host_.wall_ms();
  settler_.settle(std::move(record));
}

Task<Reply> Sender::give_up(chat::Key key) {
  const std::string flight_key = storage_key(key);
  if (flights_.contains(flight_key)) co_return retry_later();
  Landing landing(*this, flight_key, {});
  Reply busy = retry_later();
  landing.answer(busy);

  Outcome<KeyEntry> entry = co_await find_key(key);
  if (!entry.ok() && entry.status != LCG_E_NOT_FOUND) co_return busy;
  if (entry.ok() && !entry.value.refused()) {
    Outcome<Record> found = co_await settler_.load(entry.value.id);
    if (!found.ok()) co_return busy;
    dialog::Resolution done{dialog::Resolution::State::kCommitted, found.value.position};
    if (found.value.status == Status::kConfirmed) co_return Reply::with(dialog::encode(done));
    if (found.value.status == Status::kTrying) {
      Reply cancelled = co_await dialogs_.cancel(key, found.value.id);
      if (!cancelled.ok() || !dialog::decode(cancelled.data, done)) co_return busy;
      const bool committed = done.state == dialog::Resolution::State::kCommitted;
      settle(found.value, committed ? Status::kConfirmed : Status::kCancelled, done.position);
      if (committed) co_return cancelled;
    }
  }
  Reply advanced = co_await dialogs_.give_up(key);
  if (advanced.ok()) advanced.data = dialog::encode(dialog::Resolution{});
  co_return advanced;
}

}  // namespace lcg::message
