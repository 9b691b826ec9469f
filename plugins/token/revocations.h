// SPDX-License-Identifier: Apache-2.0
// revocations: what was taken back, durable.
//
// The owner of the slot of a jti, or of a user, keeps its revocations in the store and is asked before a token is
// taken: every admission and every revocation of one jti or user passes through one instance, in one order. There is
// no cache, so a revocation counts from the moment it is acknowledged: when what the token opened is closed
// (openings.h). What it opens is noted before the store is asked, so a revocation that is written meanwhile finds it.
// Lane: the instance's.
#pragma once
#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/services/token_wire.hpp"
#include "lcg/timer.hpp"
#include "plugins/token/openings.h"

namespace lcg::token {

// What asks to be admitted. It fits what it is used for: `user` is the session's as well.
struct Admission {
  std::string token_id, user;
  int64_t issued_s = -1;  // -1: the token does not say
  std::string channel;    // of a subscription token
  std::string session;
  int64_t until_ms = 0;  // how long what it opens may live, Unix ms; 0: for ever
  bool is_connect = false;
};

class Revocations {
 public:
  static constexpr std::chrono::milliseconds kSweep{std::chrono::hours(1)};

  // ahead_s: by so much an issuer's clock may be ahead.
  Revocations(Host host, std::chrono::milliseconds keep, int64_t ahead_s);

  // On whatever lane the token came. LCG_OK: it is not revoked; LCG_E_DENIED: it is; LCG_E_STALE: the user's tokens of
  // before are, and it is one of them; else it cannot be known now.
  Task<lcg_status> admit(Admission admission);
  // On the lane of its user.
  void session_ended(const std::string& session) { openings_.session_ended(session); }

  // --- the part of the user's lane, of the jti's, of either's, and of every lane: methods of the service
  Task<Reply> on_admit(ServiceCall call);
  Task<Reply> on_look(ServiceCall call);
  Task<Reply> on_revoke(ServiceCall call);
  Task<Reply> on_end(ServiceCall call) { return openings_.on_end(std::move(call)); }
  void on_slot(uint32_t slot, bool owned);
  // Drops what has expired from the store, now and then.
  void start_sweeping();

 private:
  Task<lcg_status> check(uint32_t slot, const Admission* admission);
  Task<lcg_status> look(uint32_t slot, char kind, std::string name, std::string channel, int64_t issued_s);
  Task<lcg_status> look_at(uint32_t slot, std::string record_name, int64_t issued_s);
  Task<Reply> store(uint32_t slot, std::string record_name, std::string value);
  Task<> sweep();
  Task<> sweep_slot(uint32_t slot);

  const Host host_;
  const storage::Client storage_;
  const std::chrono::milliseconds keep_;
  const std::string user_prefix_;
  const int64_t ahead_s_;
  std::set<uint32_t> owned_;
  Openings openings_;
  bool sweeping_ = false;
  Timer timer_;
};

}  // namespace lcg::token
