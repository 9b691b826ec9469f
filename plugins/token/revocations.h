// SPDX-License-Identifier: Apache-2.0
// revocations: what was taken back, durable, and what it had opened.
//
// The owner of the slot of a jti, or of a user, keeps its revocations in the store and is asked before a token is
// taken: every admission and every revocation of one jti or user passes through one instance, in one order. There is
// no cache, so a revocation counts from the moment it is acknowledged.
//
// Live: a session goes by its first token's jti (the auth id) and by its user, so both are ended by the host wherever
// they are, connects under way and remembered bearer tokens included; only then is a revocation acknowledged. What the
// host cannot find so is noted here (notes.h) when it is admitted: a session that refreshed with another jti, and a
// subscription. What cannot be noted is not left open. Lane: the instance's.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/ext/channels.h"
#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/services/token_wire.hpp"
#include "lcg/sync.hpp"
#include "lcg/timer.hpp"
#include "plugins/token/notes.h"

namespace lcg::token {

// What asks to be admitted.
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
  static constexpr size_t kEndsAtOnce = 64;  // sessions that one revocation asks the host to end at a time
  static constexpr std::chrono::milliseconds kSweep{std::chrono::hours(1)};
  static constexpr std::chrono::milliseconds kTellEvery{std::chrono::minutes(1)};  // that notes make room

  // leeway_s: by so much an issuer's clock may be ahead.
  Revocations(Host host, std::chrono::milliseconds keep, int64_t leeway_s);

  // On whatever lane the token came. LCG_OK: it is not revoked; LCG_E_DENIED: it is; else it cannot be known now.
  Task<lcg_status> admit(Admission admission);

  // --- the owner's part: methods "admit" and "revoke" of the service
  Task<Reply> on_admit(ServiceCall call);
  Task<Reply> on_revoke(ServiceCall call);
  void on_slot(uint32_t slot, bool owned);
  // Drops what has expired from the store, now and then.
  void start_sweeping();

 private:
  struct Ends;  // what is being ended by one revocation
  Task<lcg_status> ask_owner(std::string key, Admission admission, bool by_user);
  Task<lcg_status> look(uint32_t slot, std::string record, int64_t issued_s);
  Task<Reply> store(uint32_t slot, std::string record_name, std::string value);
  void note(const std::string& token_id, const Admission& admission);
  Task<lcg_status> end_live(Revocation revocation);
  std::vector<std::string> end_noted_subscriptions(const Revocation& revocation);
  Task<> end_one(Disconnect disconnect, std::shared_ptr<Ends> ends);
  void unsubscribe(const std::string& channel, const std::string& user, const std::string& session,
                   const std::string& reason);
  Task<> sweep();
  Task<> sweep_slot(uint32_t slot);

  const Host host_;
  const storage::Client storage_;
  const std::chrono::milliseconds keep_;
  const std::string user_prefix_;
  const lcg_channels_v1* const channels_;
  const int64_t leeway_s_;
  Notes notes_;
  int64_t told_ns_ = -1;
  std::set<uint32_t> owned_;
  bool sweeping_ = false;
  Timer timer_;
};

}  // namespace lcg::token
