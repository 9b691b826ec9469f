#include "broker/registry/registry.h"

#include <algorithm>
#include <utility>

#include "broker/error_table.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

constexpr const char* kCollection = Devices::kCollection;
constexpr uint64_t kFirstEpoch = Devices::kFirstEpoch;

std::string install_of(const Peer& peer) { return peer.user + '\0' + peer.device; }

Disconnect replaced() {
  return {disconnect_code::kForceReconnect, "a newer connection of this device took over"};
}

Error user_is_full(uint32_t limit) {
  return {error_code::kLimitExceeded,
          "limit exceeded: " + std::to_string(limit) + " connections of this user are open", true};
}

}  // namespace

// One bind under way.
struct Registry::Bind {
  std::shared_ptr<Peer> peer_out;
  std::optional<uint64_t> claimed_epoch;
  BindFn done;
  Entry& entry;  // in open_ until the bind has its answer
  uint32_t attempt = 1;
  const Peer& peer() const { return *peer_out; }
  const SessionOrder& order() const { return entry.session.order; }
};

// One disconnect under way.
struct Registry::Ending {
  DisconnectSessions what;
  uint64_t last = 0;  // bind that had come when it was asked for; it does not touch later ones
  std::shared_ptr<DisconnectSessionsResponse> answer;
  SessionEnds::WaitPtr wait;
};

Registry::Registry(Lane& lane, Bus& bus, host::PluginHost& host, RegistryLimits limits)
    : lane_(lane),
      bus_(bus),
      host_(host),
      limits_(limits),
      records_(lane, host, limits.stored),
      devices_(lane, host),
      ends_(lane),
      steps_(lane) {}

void Registry::bind(BindSession request, BindFn done) {
  const Peer& peer = *request.peer;
  BindSessionResponse refused;
  // Before the store is asked, so that a user at the limit costs no write.
  if (over_limit(peer)) {
    refused.error = user_is_full(limits_.sessions_per_user);
    return done(std::move(refused));
  }
  Entry* entry = open_.add({request.peer,
                            std::move(request.client_name),
                            std::move(request.client_version),
                            0,
                            {peer.gateway.node, request.asked, request.accepted, ++arrivals_}});
  if (entry == nullptr) {
    refused.error = make_error(error_code::kInternal);
    return done(std::move(refused));
  }
  auto bind = std::make_shared<Bind>(Bind{request.peer, request.claimed_epoch, std::move(done), *entry});
  if (peer.user.empty()) return finish(*bind, kFirstEpoch);
  if (!peer.ephemeral_device && !peer.http) {
    const auto [newest, first] = newest_.try_emplace(install_of(peer), bind->order());
    if (!first && bind->order().after(newest->value)) newest->value = bind->order();
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
    challenge(std::move(bind));
  });
}

// Asks the one that has the place of a contended device for a sign of life; else the bind goes on.
void Registry::challenge(std::shared_ptr<Bind> bind) {
  if (Outcome why = refusal(*bind); !why.ok()) return refuse(*bind, std::move(why));
  const Entry* holder = contended(bind->peer());
  if (holder == nullptr) return go_on(std::move(bind));
  const PeerPtr peer = holder->session.peer;
  const auto [waiting, first] = challenged_.try_emplace(peer->session);
  waiting->value.push_back(std::move(bind));
  if (!first) return;
  lane_.start_timer(kChallenge, [this, peer] { challenge_ends(peer->session); });
  bus_.deliver(lane_, peer->gateway, DeliverDisconnect{peer->session, replaced(), peer, kSilence});
}

// The holder has gone, or it was heard from and stays.
void Registry::challenge_ends(const std::string& holder) {
  std::optional<std::vector<std::shared_ptr<Bind>>> waiting = challenged_.take(holder);
  if (!waiting) return;
  const bool stays = holds(holder);
  for (std::shared_ptr<Bind>& bind : *waiting) {
    Outcome why = refusal(*bind);
    if (why.ok() && stays) {
      why.error = {error_code::kTooManyRequests, "other connections of this device take its place: wait",
                   true};
    }
    why.ok() ? go_on(std::move(bind)) : refuse(*bind, std::move(why));
  }
}

void Registry::go_on(std::shared_ptr<Bind> bind) {
  limits_.stored ? read_epoch(std::move(bind)) : finish(*bind, kFirstEpoch);
}

void Registry::not_newest(const Bind& bind) {
  const std::string install = install_of(bind.peer());
  const auto* newest = newest_.find(install);
  if (newest != nullptr && newest->value.arrival == bind.order().arrival) newest_.erase(install);
}

// Is there a newer one of the same device, under way or bound?
bool Registry::superseded(const Bind& bind) const {
  const auto* newest = newest_.find(install_of(bind.peer()));
  bool newer = newest != nullptr && newest->value.after(bind.order());
  each_session(bind.peer().user, [&](const Entry& other) {
    newer |= other.session.peer->device == bind.peer().device && other.session.order.after(bind.order());
  });
  return newer;
}

// Two clients that both live and use one device would take turns for ever, each for as long as the other needs to come
// back: the last of a few who took the place in a row has it for a while, as long as it lives. One client whose
// connections die unseen looks the same until the last of them is asked.
Registry::Entry* Registry::contended(const Peer& peer) const {
  Entry* holder = nullptr;
  each_session(peer.user, [&](Entry& other) {
    if (other.session.peer->device == peer.device && other.takeovers >= kMaxTakeovers &&
        lane_.now() - other.taken_at < kTurn)
      holder = &other;
  });
  return holder;
}

// Why a bind may not go on, whatever the store says; ok: it may. Asked before each write and at the end.
Outcome Registry::refusal(const Bind& bind) {
  if (!bind.entry.cancelled.ok()) return bind.entry.cancelled;
  Outcome ended = ends_.refusal(bind.peer(), bind.order().asked);
  if (!ended.ok()) return ended;
  if (superseded(bind)) return {{}, replaced()};
  if (over_limit(bind.peer())) return {user_is_full(limits_.sessions_per_user), {}};
  return {};
}

void Registry::refuse(Bind& bind, Outcome why) {
  not_newest(bind);
  open_.remove(bind.entry);
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
    if (bind->claimed_epoch.value_or(stored) == stored) return finish(*bind, stored);
    write_epoch(std::move(bind), std::move(answer.data), stored + 1);
  });
}

void Registry::write_epoch(std::shared_ptr<Bind> bind, std::string current, uint64_t epoch) {
  const Peer& peer = bind->peer();
  auto done = [this, bind](ServiceCallResponse answer, uint64_t issued) mutable {
    written(std::move(bind), std::move(answer), issued);
  };
  if (!current.empty())
    return devices_.replace(peer.user, peer.device, std::move(current), epoch, std::move(done));
  devices_.make(
      peer.user, peer.device, [this, bind] { return refusal(*bind).ok(); }, std::move(done));
}

void Registry::written(std::shared_ptr<Bind> bind, ServiceCallResponse answer, uint64_t epoch) {
  if (answer.status == LCG_OK) return finish(*bind, epoch);
  if (Outcome why = refusal(*bind); !why.ok()) return refuse(*bind, std::move(why));
  if (answer.status == LCG_E_CONFLICT && bind->attempt++ < kMaxAttempts) return read_epoch(std::move(bind));
  // Whoever lost every race may come back; a conflict here is nothing the client did wrong.
  answer.status = answer.status == LCG_E_CONFLICT ? LCG_E_BUSY : answer.status;
  refuse(*bind, outcome_of_call(answer, error_code::kInternal));
}

bool Registry::over_limit(const Peer& peer) const {
  if (peer.user.empty() || peer.http || limits_.single_connection) return false;
  if (sessions_of_user(peer.user) < limits_.sessions_per_user) return false;
  size_t others = 0;
  each_session(peer.user, [&](const Entry& other) {
    if (other.session.peer->device != peer.device) ++others;
  });
  return others >= limits_.sessions_per_user;
}

void Registry::finish(Bind& bind, uint64_t epoch) {
  const Peer& peer = bind.peer();
  Outcome why = refusal(bind);
  if (why.ok() && !peer.http && limits_.single_connection) {
    bool late = false;
    each_session(peer.user, [&](const Entry& other) { late |= other.session.order.after(bind.order()); });
    if (late) why.disconnect = make_disconnect(disconnect_code::kConnectionLimit);
  }
  if (!why.ok()) return refuse(bind, std::move(why));
  not_newest(bind);
  if (peer.http) {
    open_.set(bind.entry, OpenSessions::State::kHttp);
  } else {
    make_room(bind.entry);
    bind.peer_out->device_epoch = epoch;
    bind.entry.session.connected_ms = lane_.clock().wall_ms();
    open_.set(bind.entry, OpenSessions::State::kSession);
  }
  BindSessionResponse answer;
  answer.device_epoch = epoch;
  bind.done(std::move(answer));
}

// Closes those whose place `entry` takes: all are older.
void Registry::make_room(Entry& entry) {
  const std::string& device = entry.session.peer->device;
  const MonoTime now = lane_.now();
  each_session(entry.session.peer->user, [&](Entry& other) {
    const bool same_device = other.session.peer->device == device;
    if (!same_device && !limits_.single_connection) return;
    if (same_device) {
      const bool in_a_row = other.takeovers != 0 && now - other.taken_at < kInARow;
      const bool again = other.takeovers >= kMaxTakeovers && now - other.taken_at < 2 * kTurn;
      entry.taken_at = now;
      entry.takeovers = again ? other.takeovers : in_a_row ? other.takeovers + 1 : 1;
    }
    close(other.session, same_device ? replaced() : make_disconnect(disconnect_code::kConnectionLimit));
    open_.set(other, OpenSessions::State::kReplaced);
  });
}

void Registry::close(const Session& session, Disconnect disconnect) {
  bus_.deliver(lane_, session.peer->gateway,
               DeliverDisconnect{session.peer->session, std::move(disconnect), session.peer});
}

bool Registry::unbind(const Peer& peer) {
  const bool was_bound = remove(peer);
  ends_.gone(peer.session);
  return was_bound;
}

bool Registry::remove(const Peer& peer) {
  Entry* entry = open_.find(peer.session);
  if (entry == nullptr) return false;
  const OpenSessions::State was = entry->state;
  if (was == OpenSessions::State::kBinding) {
    entry->cancelled.error = make_error(error_code::kInternal);
    return false;
  }
  const std::string user = entry->session.peer->user;
  open_.remove(*entry);
  if (was == OpenSessions::State::kSession && !user.empty() && sessions_of_user(user) == 0)
    records_.seen(user, lane_.clock().wall_ms());
  challenge_ends(peer.session);
  return was != OpenSessions::State::kHttp;
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
                           blocked.sessions = closed.closed;
                           static_cast<Outcome&>(blocked) = std::move(closed);
                           done(std::move(blocked));
                         });
                       });
}

void Registry::disconnect(DisconnectSessions what, DisconnectFn done) {
  std::sort(what.except.begin(), what.except.end());
  ends_.remember(what);
  auto answer = std::make_shared<DisconnectSessionsResponse>();
  auto wait = ends_.await([answer, done = std::move(done)](bool all) mutable {
    if (!all) answer->error = make_error(error_code::kInternal);
    done(std::move(*answer));
  });
  auto ending = std::make_unique<Ending>(Ending{std::move(what), arrivals_, answer, wait});
  const DisconnectSessions& named = ending->what;
  if (!named.session.empty()) {
    if (Entry* one = open_.find(named.session)) end(*one, *ending);
    return ends_.seal(wait);
  }
  const OpenSessions::By by = named.user.empty() ? OpenSessions::By::kLogin : OpenSessions::By::kUser;
  const std::string& name = named.user.empty() ? named.auth : named.user;
  const OpenSessions::Group* group = open_.group(by, name);
  if (!names_somebody(named) || (!name.empty() && (group == nullptr || group->size <= kAtOnce))) {
    open_.for_each(by, name, [&](Entry& entry) { end(entry, *ending); });
    return ends_.seal(wait);
  }
  // To the end, whether somebody still waits for the answer or not.
  steps_.run(Steps::kNoEnd, [this, ending = std::move(ending), cursor = uint64_t{0}](bool) mutable {
    cursor = open_.walk(cursor, kAtOnce, [&](Entry& entry) {
      if (entry.session.order.arrival <= ending->last) end(entry, *ending);
    });
    if (cursor != 0) return true;
    ends_.seal(ending->wait);
    return false;
  });
}

// What a disconnect does to one entry.
void Registry::end(Entry& entry, Ending& ending) {
  if (!matches(*entry.session.peer, ending.what)) return;
  if (entry.state == OpenSessions::State::kBinding) {
    entry.cancelled.disconnect = ending.what.disconnect;
    return;
  }
  // One that was replaced is told again: if its end was lost, it is said again.
  close(entry.session, ending.what.disconnect);
  if (entry.is_session()) ++ending.answer->closed;
  ends_.add(ending.wait, entry.session.peer->session);
}

std::vector<Registry::Session> Registry::sessions_of(std::string_view user) const {
  std::vector<Session> out;
  out.reserve(sessions_of_user(user));
  each_session(user, [&](const Entry& entry) { out.push_back(entry.session); });
  return out;
}

}  // namespace lcg::broker
