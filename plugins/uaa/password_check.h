// SPDX-License-Identifier: Apache-2.0
// password_check: registers users and checks their passwords, a few at a time.
//
// Hashing is memory-hard, so it runs on the blocking pool and no more than a few at once, in turns that are fair to
// addresses (fair_queue). A user who does not exist costs the same work as one who does. Lane: the gate's.
#pragma once
#include <string>

#include "lcg/host.hpp"
#include "lcg/services/user_names.hpp"
#include "lcg/sync.hpp"
#include "plugins/uaa/account_store.h"
#include "plugins/uaa/fair_queue.h"
#include "plugins/uaa/password.h"

namespace lcg::uaa {

struct PasswordRules {
  PasswordCost cost;
  size_t min_bytes = 8;
  FairQueue::Rules turns;
  std::string user_prefix{};  // of every user id
};

class PasswordCheck {
 public:
  PasswordCheck(Host host, PasswordRules rules);

  // `user` is an id, with its prefix. Errors: LCG_E_INVALID (user id or password outside its limits), LCG_E_CONFLICT (the user is there
  // already, or somebody shows that name), LCG_E_BUSY (too many wait), LCG_E_TIMEOUT (the asker waits no more), those of the store.
  Task<Reply> add(FairQueue::Asker asker, std::string user, std::string password, std::string name);
  // data is the user's name. LCG_E_DENIED: no such user or another password, which look alike; LCG_E_BUSY,
  // LCG_E_TIMEOUT; those of the store.
  Task<Reply> check(FairQueue::Asker asker, std::string user, std::string password);
  // Whether `name`, shown by `user`, reads like the name of another user who is registered: then LCG_E_INVALID.
  Task<Reply> check_shown(std::string user, std::string name);
  // Whether there is an account of this id. LCG_E_NOT_FOUND: none; LCG_E_INVALID: not an id of this plugin's.
  Task<Reply> is_registered(std::string user) const;
  // Wakes those who wait for a turn.
  void stop() { queue_.stop(); }

 private:
  Task<Outcome<std::string>> hash(FairQueue::Asker asker, std::string password);
  // Before a user is made: the name in lower case becomes the user's alone.
  Task<Reply> claim(std::string user);
  // REQUIRES: no account of that id. Takes it, and what it reads like, and makes the account.
  Task<Reply> make(user::Naming naming, PasswordRecord record);
  Task<Reply> take_names(user::Naming naming);
  // What was taken for an account that was not made.
  Task<void> give_up(user::Naming naming) const;
  Task<void> strengthen(std::string user, std::string password, Stored<PasswordRecord> old);

  const Host host_;
  const AccountStore store_;
  const user::Names users_;
  const PasswordRules rules_;
  const std::string decoy_;
  FairQueue queue_;
  KeyedLock<std::string> making_;  // by the id in lower case
};

}  // namespace lcg::uaa
