// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/openings.h"

#include <vector>

#include "lcg/sessions.hpp"
#include "lcg/wire.hpp"

namespace lcg::token {
namespace {

// Client protocol codes (1.8, 1.11): the client fetches new tokens and comes back; the same of a subscription.
constexpr uint32_t kStateInvalidated = 3014, kSubInvalidated = 2502;
constexpr char kTooMany[] = "too many tokens in use";
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kLongestNoteMs = int64_t{1000} * 3600 * 24 * 366 * 50;

// Of "end": whether all is closed, and the slots of the lane that was asked.
std::string encode_part(bool closed, const std::vector<uint32_t>& slots) {
  wire::Writer w;
  w.boolean(closed).u64(slots.size());
  for (const uint32_t slot : slots) w.u64(slot);
  return w.take();
}

// Marks the slots. False: not all is closed.
bool decode_part(std::string_view data, std::vector<bool>& done) {
  wire::Reader r(data);
  const bool closed = r.boolean();
  for (uint64_t left = r.count(); left > 0 && r.ok(); --left)
    if (const uint64_t slot = r.u64(); r.ok() && slot < done.size()) done[slot] = true;
  return r.ok() && closed;
}

}  // namespace

struct Openings::Ends {
  WaitGroup group;
  lcg_status worst = LCG_OK;
};

Openings::Openings(Host host, const std::set<uint32_t>& owned)
    : host_(host), channels_(host.query<lcg_channels_v1>(LCG_CHANNELS_V1)), owned_(owned) {}

// --- noting --------------------------------------------------------------------------------------

bool Openings::ask(Note note, int64_t until_ms, const std::string& user) {
  const int64_t now_ns = host_.now_ns();
  const int64_t left_ms = until_ms - host_.wall_ms() + kGrace.count();
  if (until_ms != 0 && left_ms < kLongestNoteMs) note.until_ns = now_ns + left_ms * kNsPerMs;
  std::vector<Note> pushed_out;
  if (!notes_.ask(std::move(note), now_ns, pushed_out)) return false;
  for (const Note& old : pushed_out) push_out(old);
  const bool told = told_ns_ >= 0 && now_ns - told_ns_ < std::chrono::nanoseconds(kTellEvery).count();
  if (pushed_out.empty() || told) return true;
  told_ns_ = now_ns;
  host_.warn("a session has tokens of more than " + std::to_string(Notes::kPerSession) +
             " channels, the oldest end: user=" + user + " session=" + pushed_out.front().session);
  return true;
}

// What a revocation could not find afterwards is ended now, so that the client comes back with what it has and is
// noted anew.
void Openings::push_out(const Note& old) {
  if (!old.channel.empty()) return unsubscribe(old.channel, "", old.session, kTooMany);
  Disconnect disconnect;
  disconnect.code = kStateInvalidated;
  disconnect.reason = kTooMany;
  disconnect.session_id = old.session;
  host_.disconnect(disconnect);
}

// --- ending --------------------------------------------------------------------------------------

Task<lcg_status> Openings::end(Revocation revocation) {
  auto ends = std::make_shared<Ends>();
  if (revocation.channel.empty()) {
    Disconnect disconnect;
    disconnect.code = revocation.code;
    disconnect.reason = revocation.reason;
    disconnect.user_id = revocation.user;
    disconnect.auth_id = revocation.token_id;
    ends->group.add();
    co_await end_sessions_of(std::move(disconnect), ends);
  } else if (!revocation.user.empty()) {
    unsubscribe(revocation.channel, revocation.user, "", revocation.reason);
  }
  if (revocation.token_id.empty()) co_return ends->worst;
  const lcg_status noted = co_await end_noted_on_every_lane(&revocation);
  co_return noted == LCG_OK ? ends->worst : noted;
}

// One call an instance: its answer says which slots it has.
Task<lcg_status> Openings::end_noted_on_every_lane(const Revocation* revocation) {
  if (host_.instance_count() == 1) {
    const lcg_status ended = co_await end_noted_here(*revocation);
    co_return ended;
  }
  lcg_status worst = LCG_OK;
  std::vector<bool> done(host_.slot_count());
  for (uint32_t slot = 0; slot < done.size(); ++slot) {
    if (done[slot]) continue;
    Call call("token", "end", "@" + std::to_string(slot), encode(*revocation));
    const Reply reply = co_await host_.call(std::move(call));
    if (!reply.ok()) worst = reply.status;
    if (reply.ok() && !decode_part(reply.data, done)) worst = LCG_E_UNAVAILABLE;
    // Each of this lane's slots would wait as long.
    if (reply.status == LCG_E_CANCELLED || reply.status == LCG_E_TIMEOUT) break;
  }
  co_return worst;
}

Task<Reply> Openings::on_end(ServiceCall call) {
  Revocation revocation;
  if (!decode(call.data, revocation)) co_return Reply::error(LCG_E_INVALID, "malformed call");
  // Those of now: a slot that comes while this waits may bring what was not looked for.
  const std::vector<uint32_t> slots(owned_.begin(), owned_.end());
  const lcg_status ended = co_await end_noted_here(std::move(revocation));
  co_return Reply::with(encode_part(ended == LCG_OK, slots));
}

Task<lcg_status> Openings::end_noted_here(Revocation revocation) {
  auto ends = std::make_shared<Ends>();
  Disconnect disconnect;
  disconnect.code = revocation.code;
  disconnect.reason = revocation.reason;
  for (Note& note : notes_.of(revocation.token_id)) {
    if (!revocation.channel.empty() && note.channel != revocation.channel) continue;
    if (!note.channel.empty()) {
      unsubscribe(note.channel, "", note.session, revocation.reason);
      continue;
    }
    disconnect.session_id = std::move(note.session);
    ends->group.add();
    if (!host_.spawn(end_sessions_of(disconnect, ends))) {
      ends->group.done();
      ends->worst = LCG_E_CANCELLED;  // stopping
    }
    if (ends->group.count() >= kEndsAtOnce) co_await ends->group.wait();
  }
  co_await ends->group.wait();
  co_return ends->worst;
}

Task<> Openings::end_sessions_of(Disconnect disconnect, std::shared_ptr<Ends> ends) {
  const Reply ended = co_await end_sessions(host_, std::move(disconnect));
  if (!ended.ok()) {
    host_.error("not all sessions of a revoked token are known to be closed: status " +
                std::to_string(ended.status));
    ends->worst = ended.status;
  }
  ends->group.done();
}

// One session's subscription, or all of a user's. A host that cannot end one ends the sessions.
void Openings::unsubscribe(const std::string& channel, const std::string& user, const std::string& session,
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

}  // namespace lcg::token
