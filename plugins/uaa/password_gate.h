// SPDX-License-Identifier: Apache-2.0
// password_gate: every password of the installation passes here: counted, hashed in fair turns, answered.
//
// One instance is the gate: the owner of the slot of kKey. The others ask it by calls of the service "uaa", so
// limits and turns are those of the whole, however many lanes there are. Refused tries cost it no hash. Lane: the
// instance's.
#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "plugins/uaa/attempt_limit.h"
#include "plugins/uaa/device_proof.h"
#include "plugins/uaa/name_limit.h"
#include "plugins/uaa/password_check.h"

namespace lcg::uaa {

struct GateRules {
  NameRules names;
  AttemptLimit::Rule per_address{100, 100};    // failed passwords from one address
  AttemptLimit::Rule registrations{2000, 60};  // new users from one address
  std::chrono::milliseconds proof_ttl = std::chrono::hours(24 * 365);
};

// Somebody who says to be `user`.
struct PasswordTry {
  std::string user, password;
  std::string remote;  // "192.0.2.1:5555"
  std::string proof;   // of the device, or ""
};
struct NewUser {
  std::string user, password, name;
  std::string remote;  // "" of an operator: not limited
};
struct Known {
  std::string name;   // the display name
  std::string proof;  // for the device's next login
};

class PasswordGate {
 public:
  // Of no user: '/' is in no user id.
  static constexpr char kKey[] = "uaa/gate";
  // The error_code of what a limit refused.
  static constexpr uint32_t kLimited = 429;

  PasswordGate(Host host, GateRules rules, PasswordCheck& passwords);

  // On whatever lane the request came; the answer is there before `deadline_ns`. LCG_E_DENIED: a wrong password;
  // LCG_E_CONFLICT: too many tries; others: not now.
  Task<Outcome<Known>> login(PasswordTry attempt, int64_t deadline_ns);
  // Errors of PasswordCheck::add as well. LCG_E_BUSY with error_code kLimited: too many from that address.
  Task<Reply> add(NewUser user, int64_t deadline_ns);

  // The gate's part: methods "gate_login" and "gate_add", called by uaa alone.
  Task<Reply> on_login(ServiceCall call);
  Task<Reply> on_add(ServiceCall call);

 private:
  Task<Reply> ask(std::string method, std::string data, int64_t deadline_ns);
  Task<Reply> ensure_proofs();

  const Host host_;
  const storage::Client storage_;
  const GateRules rules_;
  PasswordCheck& passwords_;
  NameLimit names_;
  AttemptLimit per_address_, registrations_;
  std::unique_ptr<const DeviceProof> proofs_;  // once its secret is read
};

}  // namespace lcg::uaa
