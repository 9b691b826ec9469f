// SPDX-License-Identifier: Apache-2.0
// password_check: registers users and checks their passwords, a few at a time.
//
// Hashing is memory-hard, so it runs on the blocking pool and no more than `concurrency` at once, in order of
// arrival; beyond `queue` waiting a request is refused. A user who does not exist costs the same work as one
// who does. Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/sync.hpp"
#include "plugins/uaa/account_store.h"
#include "plugins/uaa/password.h"

namespace lcg::uaa {

struct PasswordRules {
  PasswordCost cost;
  size_t min_bytes = 8;
  size_t concurrency = 2;
  size_t queue = 256;  // waiting for their turn
};

class PasswordCheck {
 public:
  PasswordCheck(Host host, PasswordRules rules);

  // Errors: LCG_E_INVALID (user id or password outside its limits), LCG_E_CONFLICT (the user is there
  // already), LCG_E_BUSY (too many wait), those of the store.
  Task<Reply> add(std::string user, std::string password, std::string name);
  // data is the user's name. LCG_E_DENIED: no such user or another password, which look alike; LCG_E_BUSY;
  // those of the store.
  Task<Reply> check(std::string user, std::string password);

 private:
  // A place among those who hash, for as long as it lives.
  Task<Outcome<AsyncLock::Guard>> take_turn();
  Task<Outcome<std::string>> hash(std::string password);
  Task<void> strengthen(std::string user, std::string password, Stored<PasswordRecord> old);

  const Host host_;
  const AccountStore store_;
  const PasswordRules rules_;
  const std::string decoy_;
  std::vector<AsyncLock> turns_;
  size_t next_turn_ = 0;
  size_t waiting_ = 0;
};

}  // namespace lcg::uaa
