// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/revocations.h"

#include <algorithm>

#include "lcg/busy.hpp"
#include "lcg/services/storage_pages.hpp"
#include "lcg/users.hpp"
#include "plugins/token/claims.h"

namespace lcg::token {
namespace {

constexpr char kCollection[] = "token_revoked";
// Client protocol codes (1.8, 1.11).
constexpr uint32_t kInvalidToken = 3500;      // the client stops
constexpr uint32_t kStateInvalidated = 3014;  // it fetches new tokens and comes back
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

std::string encode(const Admission& a) {
  wire::Writer w;
  w.str(a.token_id).str(a.user).u64(static_cast<uint64_t>(a.issued_s + 1)).str(a.channel).str(a.session);
  return w.u64(static_cast<uint64_t>(a.until_ms)).boolean(a.is_connect).take();
}

bool decode(std::string_view data, Admission& out) {
  wire::Reader r(data);
  out.token_id = r.str();
  out.user = r.str();
  out.issued_s = static_cast<int64_t>(r.u64()) - 1;
  out.channel = r.str();
  out.session = r.str();
  out.until_ms = static_cast<int64_t>(r.u64());
  out.is_connect = r.boolean();
  return r.ok();
}

// What the host finds without a note: a session that connects by the token, and what no revocation can name.
bool needs_note(const Admission& a) { return !a.token_id.empty() && !a.is_connect; }

}  // namespace

Revocations::Revocations(Host host, std::chrono::milliseconds keep, int64_t ahead_s)
    : host_(storage::required(host)),
      storage_(host),
      keep_(keep),
      user_prefix_(user_prefix(host)),
      ahead_s_(ahead_s),
      openings_(host, owned_),
      timer_(host) {}

// --- asking --------------------------------------------------------------------------------------

// The host tells the end of a session on the lane of its user's slot, whoever it is, nobody included.
Task<lcg_status> Revocations::admit(Admission admission) {
  if (admission.token_id.empty() && admission.user.empty()) co_return LCG_OK;
  Call call("token", "admit", "@" + std::to_string(host_.slot_of(admission.user)), encode(admission));
  const Reply reply = co_await host_.call(std::move(call));
  co_return reply.status;
}

// --- the owners ----------------------------------------------------------------------------------

Task<Reply> Revocations::on_admit(ServiceCall call) {
  Admission admission;
  if (!decode(call.data, admission) || admission.user.size() > kMaxUserBytes)
    co_return Reply::error(LCG_E_INVALID, "malformed call");
  const Note note{admission.token_id, admission.session, admission.channel};
  const bool is_noted = needs_note(admission);
  if (is_noted && !openings_.ask(note, admission.until_ms, admission.user))
    co_return Reply::error(LCG_E_CANCELLED, "the session has ended");
  const lcg_status status = co_await check(call.slot, &admission);
  if (is_noted && status != LCG_OK) openings_.refused(note);
  if (is_noted && status == LCG_OK && !openings_.admitted(note))
    co_return Reply::error(LCG_E_BUSY, "too many tokens of one session");
  co_return Reply::error(status);
}

Task<lcg_status> Revocations::check(uint32_t slot, const Admission* admission) {
  if (!admission->token_id.empty()) {
    Call call("token", "look", admission->token_id, wire::Writer().str(admission->channel).take());
    const Reply reply = co_await host_.call(std::move(call));
    if (reply.status != LCG_OK) co_return reply.status;
  }
  if (admission->user.empty()) co_return LCG_OK;
  const lcg_status status =
      co_await look(slot, 'u', admission->user, admission->channel, admission->issued_s);
  co_return status == LCG_E_DENIED ? LCG_E_STALE : status;
}

Task<Reply> Revocations::on_look(ServiceCall call) {
  wire::Reader r(call.data);
  std::string channel(r.str());
  if (!r.ok() || call.key.size() > kMaxTokenIdBytes) co_return Reply::error(LCG_E_INVALID, "malformed call");
  // A token's jti names it whatever it says of iat.
  const lcg_status status = co_await look(call.slot, 't', std::move(call.key), std::move(channel), -1);
  co_return Reply::error(status);
}

Task<lcg_status> Revocations::look(uint32_t slot, char kind, std::string name, std::string channel,
                                   int64_t issued_s) {
  lcg_status status = co_await look_at(slot, record_key(kind, name, ""), issued_s);
  if (status == LCG_OK && !channel.empty())
    status = co_await look_at(slot, record_key(kind, name, channel), issued_s);
  co_return status;
}

Task<lcg_status> Revocations::look_at(uint32_t slot, std::string record_name, int64_t issued_s) {
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
  if (by_user && revocation.issued_before_s == 0) revocation.issued_before_s = now_ms / 1000 + 1 + ahead_s_;
  Record record;
  record.expires_ms = revocation.expire_at_s != 0 ? revocation.expire_at_s * 1000 : now_ms + keep_.count();
  record.issued_before_s = by_user ? revocation.issued_before_s : INT64_MAX;
  Reply stored =
      co_await store(call.slot, record_key(by_user ? 'u' : 't', name, revocation.channel), record.encode());
  if (!stored.ok()) co_return stored;
  if (revocation.code == 0) revocation.code = by_user ? kStateInvalidated : kInvalidToken;
  if (revocation.reason.empty()) revocation.reason = "token revoked";
  const lcg_status ended = co_await openings_.end(std::move(revocation));
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

// --- the store -----------------------------------------------------------------------------------

void Revocations::on_slot(uint32_t slot, bool owned) {
  if (owned)
    owned_.insert(slot);
  else
    owned_.erase(slot);
}

void Revocations::start_sweeping() {
  timer_.every(kSweep, [this] {
    if (!sweeping_) host_.spawn(sweep());
  });
}

Task<> Revocations::sweep() {
  const Busy busy(sweeping_);
  const std::vector<uint32_t> slots(owned_.begin(), owned_.end());
  for (const uint32_t slot : slots) {
    if (host_.stopping()) break;
    if (owned_.contains(slot)) co_await sweep_slot(slot);
  }
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
