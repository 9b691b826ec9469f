#include "broker/registry/registry.h"

#include <algorithm>
#include <utility>

#include "broker/error_table.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

constexpr const char* kCollection = Devices::kCollection;
constexpr uint64_t kFirstEpoch = 1;

// Epoch, then the wall clock in ms when it was issued.
std::string encode_device(uint64_t epoch, int64_t now_ms) {
  return wire::Writer().u64(epoch).u64(static_cast<uint64_t>(now_ms)).take();
}

// Whose list a session is in. Anonymous ones have nothing in common: each is a list of its own.
std::string owner_of(const Peer& peer) {
  return peer.user.empty() ? std::string(1, '\0') + peer.session : peer.user;
}

std::string install_of(const Peer& peer) { return peer.user + '\0' + peer.device; }

Disconnect replaced() {
  return {disconnect_code::kForceDisconnect, "a newer connection of this device took over"};
}

}  // namespace

// One bind under way.
struct Registry::Bind {
  BindSession request;
  BindFn done;
  Order order;
  uint32_t attempt = 1;
  Outcome cancelled;  // not ok: what it will be refused with
  const Peer& peer() const { return *request.peer; }
};

Registry::Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits)
    : lane_(lane),
      bus_(bus),
      host_(host),
      limits_(limits),
      records_(lane, host),
      devices_(lane, host),
      ends_(lane) {}

void Registry::bind(BindSession request, BindFn done) {
  auto bind = std::make_shared<Bind>();
  bind->request = std::move(request);
  bind->done = std::move(done);
  bind->order = {bind->peer().gateway.node, bind->request.asked, ++arrivals_};
  // Before the store is asked, so that a user at the limit costs no write.
  if (over_limit(bind->peer()))
    return refuse(*bind, {{}, make_disconnect(disconnect_code::kConnectionLimit)});
  if (bind->peer().user.empty()) return finish(*bind, kFirstEpoch);
  binding_[bind->peer().session] = bind.get();
  if (!bind->peer().ephemeral_device && !bind->peer().http) {
    const auto [newest, first] = newest_.try_emplace(install_of(bind->peer()), bind->order);
    if (!first && bind->order.after(newest->second)) newest->second = bind->order;
  }
  check_block(std::move(bind));
}

void Registry::check_block(std::shared_ptr<Bind> bind) {
  const std::string& user = bind->peer().user;
  records_.read_block(user, [this, bind](Outcome read, int64_t until_ms) mutable {
    if (!read.ok()) return refuse(*bind, std::move(read));
    if (until_ms > lane_.clock().wall_ms())
      return refuse(*bind, {{}, make_disconnect(disconnect_code::kPermissionDenied)});
    if (bind->peer().ephemeral_device || bind->peer().http) return finish(*bind, kFirstEpoch);
    read_epoch(std::move(bind));
  });
}

void Registry::ended(const Bind& bind) {
  binding_.erase(bind.peer().session);
  const auto newest = newest_.find(install_of(bind.peer()));
  if (newest != newest_.end() && newest->second.arrival == bind.order.arrival) newest_.erase(newest);
}

// Is there a newer one of the same device, under way or bound?
bool Registry::superseded(const Bind& bind) const {
  const auto newest = newest_.find(install_of(bind.peer()));
  if (newest != newest_.end() && newest->second.after(bind.order)) return true;
  const auto sessions = by_user_.find(bind.peer().user);
  return sessions != by_user_.end() &&
         std::any_of(sessions->second.begin(), sessions->second.end(), [&](const auto& session) {
           return session->peer->device == bind.peer().device && session->order.after(bind.order);
         });
}

// Why a bind may not go on, whatever the store says; ok: it may. Asked before each write and at the end.
Outcome Registry::refusal(const Bind& bind) {
  if (!bind.cancelled.ok()) return bind.cancelled;
  Outcome ended = ends_.refusal(bind.peer(), bind.order.asked);
  if (!ended.ok()) return ended;
  return superseded(bind) ? Outcome{{}, replaced()} : Outcome{};
}

void Registry::refuse(Bind& bind, Outcome why) {
  ended(bind);
  BindSessionResponse answer;
  static_cast<Outcome&>(answer) = std::move(why);
  bind.done(std::move(answer));
}

void Registry::read_epoch(std::shared_ptr<Bind> bind) {
  ServiceCall get{"storage", "get", bind->peer().user, {}, "host", 0};
  get.data = wire::Writer().str(kCollection).str(bind->peer().device).take();
  host_.call(std::move(get), kStoreTimeout, [this, bind](ServiceCallResponse answer) mutable {
    const bool first = answer.status == LCG_E_NOT_FOUND;
    if (!first && answer.status != LCG_OK)
      return refuse(*bind, outcome_of_call(answer, error_code::kInternal));
    if (Outcome why = refusal(*bind); !why.ok()) return refuse(*bind, std::move(why));
    if (first) return write_epoch(std::move(bind), {}, kFirstEpoch);
    wire::Reader reader(answer.data);
    const uint64_t stored = reader.u64();
    if (!reader.ok()) return refuse(*bind, {make_error(error_code::kInternal), {}});
    if (stored == bind->request.claimed_epoch) return finish(*bind, stored);
    write_epoch(std::move(bind), std::move(answer.data), stored + 1);
  });
}

void Registry::write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch) {
  if (!current.empty()) return put_epoch(std::move(bind), std::move(current), epoch, {});
  const std::string& user = bind->peer().user;
  devices_.make_room(user, [this, bind](Devices::Room room) mutable {
    if (!room.outcome.ok()) return refuse(*bind, std::move(room.outcome));
    if (Outcome why = refusal(*bind); !why.ok()) return refuse(*bind, std::move(why));
    put_epoch(std::move(bind), {}, room.epoch, std::move(room.evicted));
  });
}

void Registry::put_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch,
                         std::string evicted) {
  storage::Batch batch;
  if (!evicted.empty()) batch.erase(kCollection, std::move(evicted));
  const std::string& device = bind->peer().device;
  if (current.empty())
    batch.require_absent(kCollection, device);
  else
    batch.require_equals(kCollection, device, std::move(current));
  batch.put(kCollection, device, encode_device(epoch, lane_.clock().wall_ms()));
  ServiceCall commit{"storage", "commit", bind->peer().user, batch.encode(), "host", 0};
  host_.call(std::move(commit), kStoreTimeout, [this, bind, epoch](ServiceCallResponse answer) mutable {
    if (answer.status == LCG_OK) return finish(*bind, epoch);
    if (answer.status == LCG_E_CONFLICT && bind->attempt++ < kMaxAttempts) return read_epoch(std::move(bind));
    // Whoever lost every race may come back; a conflict here is nothing the client did wrong.
    answer.status = answer.status == LCG_E_CONFLICT ? LCG_E_BUSY : answer.status;
    refuse(*bind, outcome_of_call(answer, error_code::kInternal));
  });
}

bool Registry::over_limit(const Peer& peer) const {
  if (peer.user.empty() || peer.http || limits_.single_connection) return false;
  const auto found = by_user_.find(std::string_view(peer.user));
  if (found == by_user_.end()) return false;
  const auto others = std::count_if(found->second.begin(), found->second.end(), [&](const auto& session) {
    return session->peer->device != peer.device;
  });
  return others >= static_cast<std::ptrdiff_t>(limits_.sessions_per_user);
}

void Registry::finish(Bind& bind, uint64_t epoch) {
  const std::shared_ptr<Peer>& peer = bind.request.peer;
  Outcome why = refusal(bind);
  if (why.ok() && over_limit(*peer)) why.disconnect = make_disconnect(disconnect_code::kConnectionLimit);
  if (!why.ok()) return refuse(bind, std::move(why));
  if (peer->http) {
    ended(bind);
    http_.add(peer);
    BindSessionResponse answer;
    answer.device_epoch = epoch;
    return bind.done(std::move(answer));
  }
  Sessions& sessions = by_user_[owner_of(*peer)];
  const bool late = std::any_of(sessions.begin(), sessions.end(),
                                [&](const auto& session) { return session->order.after(bind.order); });
  if (limits_.single_connection && late)
    return refuse(bind, {{}, make_disconnect(disconnect_code::kConnectionLimit)});
  make_room(sessions, *peer);
  ended(bind);
  peer->device_epoch = epoch;
  if (peer->user.empty()) ++anonymous_;
  sessions.push_back(std::make_unique<Session>(Session{peer, std::move(bind.request.client_name),
                                                       std::move(bind.request.client_version),
                                                       lane_.clock().wall_ms(), bind.order}));
  by_session_[sessions.back()->peer->session] = sessions.back().get();
  BindSessionResponse answer;
  answer.device_epoch = epoch;
  bind.done(std::move(answer));
}

// Closes those whose place `peer` takes: all are older.
void Registry::make_room(Sessions& sessions, const Peer& peer) {
  for (size_t i = sessions.size(); i > 0; --i) {
    const Session& session = *sessions[i - 1];
    const bool same_device = session.peer->device == peer.device;
    if (!same_device && !(limits_.single_connection && !peer.user.empty())) continue;
    close(session, same_device ? replaced() : make_disconnect(disconnect_code::kConnectionLimit));
    replaced_.emplace(session.peer->session, session.peer);
    erase(sessions, &session);
  }
}

void Registry::close(const Session& session, Disconnect disconnect) {
  bus_.deliver(lane_, session.peer->gateway, DeliverDisconnect{session.peer->session, std::move(disconnect)});
}

// Leaves an empty list to its caller, which may fill it again.
void Registry::erase(Sessions& sessions, const Session* session) {
  by_session_.erase(session->peer->session);
  std::erase_if(sessions, [session](const auto& entry) { return entry.get() == session; });
}

bool Registry::unbind(const Peer& peer) {
  const bool was_bound = remove(peer);
  ends_.gone(peer.session);
  return was_bound;
}

bool Registry::remove(const Peer& peer) {
  if (const auto under_way = binding_.find(peer.session); under_way != binding_.end())
    under_way->second->cancelled.error = make_error(error_code::kInternal);
  if (http_.remove(peer)) return false;
  if (replaced_.erase(peer.session) != 0) return true;
  const auto found = by_session_.find(peer.session);
  if (found == by_session_.end()) return false;
  const auto user = by_user_.find(owner_of(*found->second->peer));
  erase(user->second, found->second);
  if (!user->second.empty()) return true;
  by_user_.erase(user);
  if (peer.user.empty())
    --anonymous_;
  else
    records_.seen(peer.user, lane_.clock().wall_ms());
  return true;
}

void Registry::block(std::string user, int64_t until_ms, UniqueFunction<void(UserAnswer)> done) {
  if (until_ms <= lane_.clock().wall_ms()) until_ms = 0;
  records_.write_block(user, until_ms,
                       [this, user, until_ms, done = std::move(done)](Outcome written) mutable {
                         UserAnswer answer;
                         static_cast<Outcome&>(answer) = std::move(written);
                         if (!answer.ok() || until_ms == 0) return done(std::move(answer));
                         DisconnectSessions all;
                         all.user = user;
                         all.disconnect = make_disconnect(disconnect_code::kPermissionDenied);
                         disconnect(all, [done = std::move(done)](DisconnectSessionsResponse closed) mutable {
                           UserAnswer blocked;
                           static_cast<Outcome&>(blocked) = std::move(closed);
                           blocked.sessions = closed.closed;
                           done(std::move(blocked));
                         });
                       });
}

void Registry::disconnect(const DisconnectSessions& what, DisconnectFn done) {
  ends_.remember(what);
  for (const auto& [session, bind] : binding_)
    if (matches(bind->peer(), what)) bind->cancelled.disconnect = what.disconnect;

  DisconnectSessionsResponse answer;
  std::vector<std::string> closing;
  const auto consider = [&](const Session& session) {
    if (!matches(*session.peer, what)) return;
    close(session, what.disconnect);
    closing.push_back(session.peer->session);
    ++answer.closed;
  };
  if (!what.session.empty()) {
    const auto found = by_session_.find(what.session);
    if (found != by_session_.end()) consider(*found->second);
  } else if (!what.user.empty()) {
    const auto found = by_user_.find(std::string_view(what.user));
    if (found != by_user_.end())
      for (const auto& session : found->second) consider(*session);
  } else {
    for (const auto& [id, session] : by_session_) consider(*session);
  }
  for (const auto& [session, peer] : replaced_)
    if (matches(*peer, what)) closing.push_back(session);
  for (const PeerPtr& peer : http_.matching(what)) {
    bus_.deliver(lane_, peer->gateway, DeliverDisconnect{peer->session, what.disconnect});
    closing.push_back(peer->session);
  }
  ends_.await(closing, [answer, done = std::move(done)](bool all) mutable {
    if (!all) answer.error = make_error(error_code::kInternal);
    done(std::move(answer));
  });
}

std::vector<Registry::Session> Registry::sessions_of(std::string_view user) const {
  std::vector<Session> out;
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return out;
  for (const auto& session : found->second) out.push_back(*session);
  return out;
}

}  // namespace lcg::broker
