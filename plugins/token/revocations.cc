// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/revocations.h"

#include <algorithm>

#include "lcg/services/storage_pages.hpp"
#include "lcg/sessions.hpp"
#include "lcg/users.hpp"
#include "plugins/token/claims.h"

namespace lcg::token {
namespace {

constexpr char kCollection[] = "token_revoked";
// Client protocol codes (1.8, 1.11).
constexpr uint32_t kInvalidToken = 3500;      // the client stops
constexpr uint32_t kStateInvalidated = 3014;  // it fetches new tokens and comes back
constexpr uint32_t kSubInvalidated = 2502;    // likewise, of a subscription
constexpr char kTooMany[] = "too many tokens in use";
constexpr uint32_t kMinCode = 3000, kMaxCode = 4999;
constexpr uint32_t kSweepRows = 100;
constexpr int kStoreTries = 8;
constexpr int64_t kMaxSeconds = int64_t{1} << 53;

// Kind, length, jti or user, channel: at most 512 bytes, which is what a key of the store may have.
std::string record_key(char kind, std::string_view name, std::string_view channel) {
  std::string out(1, kind);
  out += static_cast<char>(name.size());
  out.append(name).append(channel);
  return out;
}
static_assert(2 + kMaxTokenIdBytes + kMaxChannelBytes <= storage::kMaxKeyBytes);

// In the slot of the call's key, with all that is revoked in it, so that it can be swept.
std::string partition_of(uint32_t slot) { return "@" + std::to_string(slot); }

struct Record {
  int64_t expires_ms = 0, issued_before_s = 0;

  std::string encode() const {
    return wire::Writer()
        .u64(static_cast<uint64_t>(expires_ms))
        .u64(static_cast<uint64_t>(issued_before_s))
        .take();
  }
  static bool decode(std::string_view data, Record& out) {
    wire::Reader r(data);
    out.expires_ms = static_cast<int64_t>(r.u64());
    out.issued_before_s = static_cast<int64_t>(r.u64());
    return r.ok();
  }
};

std::string encode(const Admission& a, bool by_user) {
  wire::Writer w;
  w.boolean(by_user).u64(static_cast<uint64_t>(a.issued_s + 1)).str(a.channel).str(a.session);
  return w.u64(static_cast<uint64_t>(a.until_ms)).boolean(a.is_connect).str(a.user).take();
}

bool decode(std::string_view data, Admission& out, bool& by_user) {
  wire::Reader r(data);
  by_user = r.boolean();
  out.issued_s = static_cast<int64_t>(r.u64()) - 1;
  out.channel = r.str();
  out.session = r.str();
  out.until_ms = static_cast<int64_t>(r.u64());
  out.is_connect = r.boolean();
  out.user = r.str();
  return r.ok();
}

}  // namespace

Revocations::Revocations(Host host, std::chrono::milliseconds keep, int64_t leeway_s)
    : host_(storage::required(host)),
      storage_(host),
      keep_(keep),
      user_prefix_(user_prefix(host)),
      channels_(host.query<lcg_channels_v1>(LCG_CHANNELS_V1)),
      leeway_s_(leeway_s),
      timer_(host) {}

// --- asking --------------------------------------------------------------------------------------

Task<lcg_status> Revocations::admit(Admission admission) {
  if (!admission.token_id.empty()) {
    const lcg_status status = co_await ask_owner(admission.token_id, admission, false);
    if (status != LCG_OK) co_return status;
  }
  if (admission.user.empty()) co_return LCG_OK;
  std::string user = admission.user;
  const lcg_status status = co_await ask_owner(std::move(user), std::move(admission), true);
  co_return status == LCG_E_DENIED ? LCG_E_STALE : status;
}

Task<lcg_status> Revocations::ask_owner(std::string key, Admission admission, bool by_user) {
  Call call("token", "admit", std::move(key), encode(admission, by_user));
  const Reply reply = co_await host_.call(std::move(call));
  co_return reply.status;
}

// --- the owner -----------------------------------------------------------------------------------

Task<Reply> Revocations::on_admit(ServiceCall call) {
  Admission admission;
  bool by_user = false;
  if (!decode(call.data, admission, by_user) || call.key.size() > kMaxUserBytes)
    co_return Reply::error(LCG_E_INVALID, "malformed call");
  // Noted before the store is read: a revocation that is written meanwhile finds it. The host itself finds a
  // user's, and what connects by this token.
  const bool is_noted = !by_user && !admission.is_connect;
  if (is_noted) note(call.key, admission);

  const char kind = by_user ? 'u' : 't';
  // A token's jti names it whatever it says of iat.
  const int64_t issued_s = by_user ? admission.issued_s : -1;
  lcg_status status = co_await look(call.slot, record_key(kind, call.key, ""), issued_s);
  if (status == LCG_OK && !admission.channel.empty())
    status = co_await look(call.slot, record_key(kind, call.key, admission.channel), issued_s);
  if (status == LCG_OK && is_noted && !notes_.has(call.key, admission.session, admission.channel))
    co_return Reply::error(LCG_E_BUSY, "too many tokens in use");
  co_return Reply::error(status, status == LCG_E_DENIED ? "token revoked" : "");
}

Task<lcg_status> Revocations::look(uint32_t slot, std::string record_name, int64_t issued_s) {
  const Reply found = co_await storage_.get(partition_of(slot), kCollection, std::move(record_name));
  if (found.status == LCG_E_NOT_FOUND) co_return LCG_OK;
  if (!found.ok()) co_return found.status;
  Record record;
  if (!Record::decode(found.data, record)) co_return LCG_E_INTERNAL;
  const bool counts = record.expires_ms > host_.wall_ms() && issued_s < record.issued_before_s;
  co_return counts ? LCG_E_DENIED : LCG_OK;
}

Task<Reply> Revocations::on_revoke(ServiceCall call) {
  Revocation revocation;
  if (!token::decode(call.data, revocation)) co_return Reply::error(LCG_E_INVALID, "malformed call");
  const bool by_user = revocation.token_id.empty();
  const std::string& name = by_user ? revocation.user : revocation.token_id;
  if (name.empty() || (!by_user && !revocation.user.empty()))
    co_return Reply::error(LCG_E_INVALID, "give a token's jti, or a user");
  if (name != call.key || name.size() > kMaxUserBytes || revocation.channel.size() > kMaxChannelBytes)
    co_return Reply::error(LCG_E_INVALID, "a jti, a user and a channel have at most 255 bytes");
  // Nothing was ever issued to such a user here: that is told, rather than a revocation that revokes nothing.
  if (by_user && !name.starts_with(user_prefix_))
    co_return Reply::error(LCG_E_NOT_FOUND, "user ids of token begin with " + user_prefix_);
  if (revocation.code != 0 && (revocation.code < kMinCode || revocation.code > kMaxCode))
    co_return Reply::error(LCG_E_INVALID, "a disconnect code is 3000 to 4999");
  if (revocation.issued_before_s < 0 || revocation.issued_before_s > kMaxSeconds ||
      revocation.expire_at_s < 0 || revocation.expire_at_s > kMaxSeconds)
    co_return Reply::error(LCG_E_INVALID, "a time is 0 to 2^53 seconds");
  const int64_t now_ms = host_.wall_ms();
  // iat has whole seconds, of a clock that may be ahead: whatever could have been issued until now is meant.
  if (by_user && revocation.issued_before_s == 0) revocation.issued_before_s = now_ms / 1000 + 1 + leeway_s_;
  Record record;
  record.expires_ms = revocation.expire_at_s != 0 ? revocation.expire_at_s * 1000 : now_ms + keep_.count();
  record.issued_before_s = by_user ? revocation.issued_before_s : INT64_MAX;
  Reply stored =
      co_await store(call.slot, record_key(by_user ? 'u' : 't', name, revocation.channel), record.encode());
  if (!stored.ok()) co_return stored;
  if (revocation.code == 0) revocation.code = by_user ? kStateInvalidated : kInvalidToken;
  if (revocation.reason.empty()) revocation.reason = "token revoked";
  const lcg_status ended = co_await end_live(std::move(revocation));
  co_return Reply::error(ended,
                         ended == LCG_OK ? "" : "revoked, but not all is known to be closed: try again");
}

// Never takes back what an earlier one revoked.
Task<Reply> Revocations::store(uint32_t slot, std::string record_name, std::string value) {
  Reply stored;
  for (int tries = 0; tries < kStoreTries; ++tries) {
    const Reply found = co_await storage_.get(partition_of(slot), kCollection, record_name);
    if (!found.ok() && found.status != LCG_E_NOT_FOUND) co_return found;
    Record merged, old;
    Record::decode(value, merged);
    storage::Batch batch;
    if (found.ok() && Record::decode(found.data, old)) {
      merged.expires_ms = std::max(merged.expires_ms, old.expires_ms);
      merged.issued_before_s = std::max(merged.issued_before_s, old.issued_before_s);
      batch.require_equals(kCollection, record_name, found.data);
    } else if (!found.ok()) {
      batch.require_absent(kCollection, record_name);
    }
    batch.put(kCollection, record_name, merged.encode());
    stored = co_await storage_.commit(partition_of(slot), std::move(batch));
    if (stored.status != LCG_E_CONFLICT) co_return stored;
  }
  co_return stored;
}

// --- what is open --------------------------------------------------------------------------------

struct Revocations::Ends {
  WaitGroup group;
  lcg_status worst = LCG_OK;
};

Task<lcg_status> Revocations::end_live(Revocation revocation) {
  auto ends = std::make_shared<Ends>();
  Disconnect disconnect;
  disconnect.code = revocation.code;
  disconnect.reason = revocation.reason;
  if (revocation.channel.empty()) {
    disconnect.user_id = revocation.user;
    disconnect.auth_id = revocation.token_id;
    ends->group.add();
    co_await end_one(disconnect, ends);
    disconnect.user_id = disconnect.auth_id = "";
  } else if (!revocation.user.empty()) {
    unsubscribe(revocation.channel, revocation.user, "", revocation.reason);
  }
  for (std::string& session : end_noted_subscriptions(revocation)) {
    disconnect.session_id = std::move(session);
    ends->group.add();
    if (!host_.spawn(end_one(disconnect, ends))) {
      ends->group.done();
      ends->worst = LCG_E_CANCELLED;  // stopping
    }
    if (ends->group.count() >= kEndsAtOnce) co_await ends->group.wait();
  }
  co_await ends->group.wait();
  co_return ends->worst;
}

Task<> Revocations::end_one(Disconnect disconnect, std::shared_ptr<Ends> ends) {
  const Reply ended = co_await end_sessions(host_, std::move(disconnect));
  if (!ended.ok()) {
    host_.error("not all sessions of a revoked token are known to be closed: status " +
                std::to_string(ended.status));
    ends->worst = ended.status;
  }
  ends->group.done();
}

// Ends what was subscribed by the token. Returns the sessions that were refreshed by it, for the same.
std::vector<std::string> Revocations::end_noted_subscriptions(const Revocation& revocation) {
  std::vector<std::string> sessions;
  if (revocation.token_id.empty()) return sessions;
  for (Note& entry : notes_.of(revocation.token_id)) {
    if (!revocation.channel.empty() && entry.channel != revocation.channel) continue;
    if (entry.channel.empty())
      sessions.push_back(std::move(entry.session));
    else
      unsubscribe(entry.channel, "", entry.session, revocation.reason);
  }
  return sessions;
}

// One session's subscription, or all of a user's. A host that cannot end one ends the sessions.
void Revocations::unsubscribe(const std::string& channel, const std::string& user, const std::string& session,
                              const std::string& reason) {
  lcg_host_ctx* const context = host_.core()->host()->ctx;
  if (channels_ != nullptr && !user.empty()) {
    channels_->unsubscribe(context, str(channel), str(user), kSubInvalidated, str(reason));
  } else if (channels_ != nullptr && LCG_HAS(channels_, unsubscribe_session)) {
    channels_->unsubscribe_session(context, str(channel), str(session), kSubInvalidated, str(reason));
  } else {
    Disconnect disconnect;
    disconnect.code = kStateInvalidated;
    disconnect.reason = reason;
    disconnect.user_id = user;
    disconnect.session_id = session;
    host_.disconnect(disconnect);
  }
}

// What a revocation could not find afterwards is ended now, so that the client comes back with what it has and is noted
// anew.
void Revocations::note(const std::string& token_id, const Admission& admission) {
  Note entry;
  entry.token_id = token_id;
  entry.session = admission.session;
  entry.channel = admission.channel;
  entry.until_ms = admission.until_ms;
  // Nobody's sessions are each somebody else's.
  std::string owner = admission.user.empty() ? '\0' + admission.session : admission.user;
  const std::vector<Note> pushed_out = notes_.add(std::move(owner), std::move(entry), host_.wall_ms());
  for (const Note& old : pushed_out) {
    if (old.channel.empty()) {
      Disconnect disconnect;
      disconnect.code = kStateInvalidated;
      disconnect.reason = kTooMany;
      disconnect.session_id = old.session;
      host_.disconnect(disconnect);
    } else {
      unsubscribe(old.channel, "", old.session, kTooMany);
    }
  }
  const int64_t now_ns = host_.now_ns();
  if (pushed_out.empty() ||
      (told_ns_ >= 0 && now_ns - told_ns_ < std::chrono::nanoseconds(kTellEvery).count()))
    return;
  told_ns_ = now_ns;
  host_.warn("too many tokens in use, the oldest of who has most end: user=" + admission.user);
}

// --- the store -----------------------------------------------------------------------------------

void Revocations::on_slot(uint32_t slot, bool owned) {
  if (owned)
    owned_.insert(slot);
  else
    owned_.erase(slot);
}

void Revocations::start_sweeping() {
  timer_.every(kSweep, [this] {
    if (!sweeping_) sweeping_ = host_.spawn(sweep());
  });
}

Task<> Revocations::sweep() {
  const std::vector<uint32_t> slots(owned_.begin(), owned_.end());
  for (const uint32_t slot : slots) {
    if (host_.stopping()) break;
    if (owned_.contains(slot)) co_await sweep_slot(slot);
  }
  sweeping_ = false;
}

Task<> Revocations::sweep_slot(uint32_t slot) {
  storage::Pages pages(host_, partition_of(slot), {kCollection, "", ""}, {.rows = kSweepRows});
  while (!pages.done() && !host_.stopping()) {
    const Outcome<std::vector<storage::Row>> page = co_await pages.next();
    if (!page.ok()) co_return;
    storage::Batch batch;
    batch.durable = false;
    for (const storage::Row& row : page.value) {
      Record record;
      const bool readable = Record::decode(row.value, record);
      // Unless it was revoked anew meanwhile.
      if (readable && record.expires_ms <= host_.wall_ms())
        batch.require_equals(kCollection, row.key, row.value).erase(kCollection, row.key);
    }
    if (!batch.ops.empty()) co_await storage_.commit(partition_of(slot), std::move(batch));
  }
}

}  // namespace lcg::token
