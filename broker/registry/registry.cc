#include "broker/registry/registry.h"

#include <algorithm>
#include <utility>

#include "broker/error_table.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

constexpr const char* kCollection = "device";
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

bool matches(const Registry::Session& session, const DisconnectSessions& what) {
  const Peer& peer = *session.peer;
  return (what.session.empty() || what.session == peer.session) &&
         (what.user.empty() || what.user == peer.user) &&
         (what.device.empty() || what.device == peer.device) && (what.auth.empty() || what.auth == peer.auth);
}

}  // namespace

// One bind under way.
struct Registry::Bind {
  BindSession request;
  BindFn done;
  uint64_t ask = 0;
  uint32_t attempt = 1;
  bool cancelled = false;
  const Peer& peer() const { return *request.peer; }
};

Registry::Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits)
    : lane_(lane), bus_(bus), host_(host), limits_(limits) {}

void Registry::bind(BindSession request, BindFn done) {
  auto bind = std::make_shared<Bind>();
  bind->request = std::move(request);
  bind->done = std::move(done);
  bind->ask = ++asks_;
  // Before the store is asked, so that a user at the limit costs no write.
  if (over_limit(bind->peer()))
    return refuse(*bind, {{}, make_disconnect(disconnect_code::kConnectionLimit)});
  if (bind->peer().ephemeral_device || bind->peer().user.empty()) return finish(*bind, kFirstEpoch);
  binding_[bind->peer().session] = bind.get();
  newest_[install_of(bind->peer())] = bind->ask;
  read_epoch(std::move(bind));
}

void Registry::ended(const Bind& bind) {
  binding_.erase(bind.peer().session);
  const auto newest = newest_.find(install_of(bind.peer()));
  if (newest != newest_.end() && newest->second == bind.ask) newest_.erase(newest);
}

// Has a newer bind of the same device asked, and is under way or done?
bool Registry::superseded(const Bind& bind) const {
  const auto newest = newest_.find(install_of(bind.peer()));
  if (newest != newest_.end() && newest->second > bind.ask) return true;
  const auto sessions = by_user_.find(bind.peer().user);
  return sessions != by_user_.end() &&
         std::any_of(sessions->second.begin(), sessions->second.end(), [&](const auto& session) {
           return session->peer->device == bind.peer().device && session->ask > bind.ask;
         });
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
    if (answer.status == LCG_E_NOT_FOUND) return write_epoch(std::move(bind), {}, kFirstEpoch);
    if (answer.status != LCG_OK) return refuse(*bind, outcome_of_call(answer, error_code::kInternal));
    wire::Reader reader(answer.data);
    const uint64_t stored = reader.u64();
    if (!reader.ok()) return refuse(*bind, {make_error(error_code::kInternal), {}});
    if (stored == bind->request.claimed_epoch) return finish(*bind, stored);
    if (superseded(*bind)) return refuse(*bind, {{}, replaced()});
    write_epoch(std::move(bind), std::move(answer.data), stored + 1);
  });
}

void Registry::write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch) {
  storage::Batch batch;
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
  if (peer.user.empty()) return false;
  const auto found = by_user_.find(std::string_view(peer.user));
  if (found == by_user_.end()) return false;
  const auto others = std::count_if(found->second.begin(), found->second.end(), [&](const auto& session) {
    return session->peer->device != peer.device;
  });
  return others >= static_cast<std::ptrdiff_t>(limits_.sessions_per_user);
}

void Registry::finish(Bind& bind, uint64_t epoch) {
  const std::shared_ptr<Peer>& peer = bind.request.peer;
  if (bind.cancelled) return refuse(bind, {make_error(error_code::kInternal), {}});
  if (over_limit(*peer)) return refuse(bind, {{}, make_disconnect(disconnect_code::kConnectionLimit)});
  Sessions& sessions = by_user_[owner_of(*peer)];
  const auto older = std::find_if(sessions.begin(), sessions.end(),
                                  [&](const auto& session) { return session->peer->device == peer->device; });
  if (older != sessions.end()) {
    if ((*older)->ask > bind.ask) return refuse(bind, {{}, replaced()});
    close(**older, replaced());
    erase(sessions, older->get());
  }
  ended(bind);
  peer->device_epoch = epoch;
  sessions.push_back(std::make_unique<Session>(Session{peer, std::move(bind.request.client_name),
                                                       std::move(bind.request.client_version),
                                                       lane_.clock().wall_ms(), bind.ask}));
  by_session_[sessions.back()->peer->session] = sessions.back().get();
  BindSessionResponse answer;
  answer.device_epoch = epoch;
  bind.done(std::move(answer));
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
  if (const auto under_way = binding_.find(peer.session); under_way != binding_.end())
    under_way->second->cancelled = true;
  const auto found = by_session_.find(peer.session);
  if (found == by_session_.end()) return false;
  const auto user = by_user_.find(owner_of(*found->second->peer));
  erase(user->second, found->second);
  if (user->second.empty()) by_user_.erase(user);
  return true;
}

uint32_t Registry::disconnect(const DisconnectSessions& what) {
  uint32_t closed = 0;
  const auto consider = [&](const Session& session) {
    if (!matches(session, what)) return;
    close(session, what.disconnect);
    ++closed;
  };
  if (!what.session.empty()) {
    const auto found = by_session_.find(what.session);
    if (found != by_session_.end()) consider(*found->second);
  } else if (!what.user.empty()) {
    const auto found = by_user_.find(std::string_view(what.user));
    if (found == by_user_.end()) return 0;
    for (const auto& session : found->second) consider(*session);
  } else if (!what.device.empty() || !what.auth.empty()) {
    for (const auto& [id, session] : by_session_) consider(*session);
  }
  return closed;
}

std::vector<Registry::Session> Registry::sessions_of(std::string_view user) const {
  std::vector<Session> out;
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return out;
  for (const auto& session : found->second) out.push_back(*session);
  return out;
}

}  // namespace lcg::broker
