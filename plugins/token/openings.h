// SPDX-License-Identifier: Apache-2.0
// openings: what tokens have opened, to be closed when one is taken back.
//
// A session goes by its first token's jti (the auth id) and by its user, so the host ends both wherever they are, connects
// under way and remembered bearer tokens included. What it cannot find so is noted (notes.h) on the lane of the session's
// user, which hears of the session's end: a session that refreshed with another jti, and a subscription. A token that is
// taken back is looked for on every lane. Lane: the instance's.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "lcg/ext/channels.h"
#include "lcg/host.hpp"
#include "lcg/services/token_wire.hpp"
#include "lcg/sync.hpp"
#include "plugins/token/notes.h"

namespace lcg::token {

class Openings {
 public:
  static constexpr size_t kEndsAtOnce = 64;  // sessions that one revocation asks the host to end at a time
  static constexpr std::chrono::milliseconds kTellEvery{std::chrono::minutes(1)};  // that notes make room
  // By so much what a token opened may outlive it: the most that gateway.clients.expired_grace may be.
  static constexpr std::chrono::milliseconds kGrace{std::chrono::minutes(10)};

  // `owned`: the slots of this instance; it must outlive this.
  Openings(Host host, const std::set<uint32_t>& owned);

  // Notes::ask and its end. until_ms: of the token, Unix ms, 0: never. `user` is whose the session is.
  bool ask(Note note, int64_t until_ms, const std::string& user);
  bool admitted(const Note& note) { return notes_.admitted(note); }
  void refused(const Note& note) { notes_.refused(note); }
  void session_ended(const std::string& session) { notes_.gone(session, host_.now_ns()); }

  // Ends what a revocation that is stored means, on every lane. LCG_OK: all of it is closed.
  Task<lcg_status> end(Revocation revocation);
  // The part of this lane: method "end" of the service. The answer says whose slots' part it was.
  Task<Reply> on_end(ServiceCall call);

 private:
  struct Ends;  // what is being ended by one revocation
  Task<lcg_status> end_noted_on_every_lane(const Revocation* revocation);
  Task<lcg_status> end_noted_here(Revocation revocation);
  Task<> end_sessions_of(Disconnect disconnect, std::shared_ptr<Ends> ends);
  void push_out(const Note& old);
  void unsubscribe(const std::string& channel, const std::string& user, const std::string& session,
                   const std::string& reason);

  const Host host_;
  const lcg_channels_v1* const channels_;
  const std::set<uint32_t>& owned_;
  Notes notes_;
  int64_t told_ns_ = -1;
};

}  // namespace lcg::token
