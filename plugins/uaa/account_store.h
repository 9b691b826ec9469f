// SPDX-License-Identifier: Apache-2.0
// account_store: uaa's tables. Everything about one user is in that user's partition, so each change is one
// batch. Lane: the instance's.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "lcg/services/storage.hpp"
#include "plugins/uaa/records.h"

namespace lcg::uaa {

// A record and the bytes it was read from: a change names them as its condition.
template <class T>
struct Stored {
  T record;
  std::string bytes;
};

struct Login {
  std::string auth_id;
  LoginRecord record;
};

class AccountStore {
 public:
  // Logins of one user that are looked at when a new one starts; more cannot gather.
  static constexpr uint32_t kMaxLogins = 1000;

  explicit AccountStore(Host host) : storage_(host) {}

  // LCG_E_NOT_FOUND: the user has no password.
  Task<Outcome<Stored<PasswordRecord>>> password(std::string user) const;
  // LCG_E_CONFLICT: the user is there already.
  Task<Reply> create_password(std::string user, PasswordRecord record) const;
  Task<Reply> erase_password(std::string user) const;
  // Whose a name is, however it is written: `folded` is the id in lower case. Reply::data: the owner's id.
  Task<Reply> name_owner(std::string folded) const;
  // LCG_E_CONFLICT: it is not `before`'s any more ("": nobody's).
  Task<Reply> claim_name(std::string folded, std::string user, std::string before) const;
  // Nobody's, unless it is another's by now.
  Task<Reply> give_up_name(std::string folded, std::string user) const;
  Task<Reply> replace_password(std::string user, std::string old_bytes, PasswordRecord record) const;

  // LCG_E_NOT_FOUND: never started, or revoked.
  Task<Outcome<Stored<LoginRecord>>> login(std::string user, std::string auth_id) const;
  Task<Outcome<std::vector<Login>>> logins(std::string user) const;
  // Adds one and erases those named, atomically.
  Task<Reply> add_login(std::string user, Login login, std::vector<std::string> erased) const;
  // LCG_E_CONFLICT: somebody changed or revoked it meanwhile.
  Task<Reply> replace_login(std::string user, Login login, std::string old_bytes) const;
  Task<Reply> erase_logins(std::string user, std::vector<std::string> auth_ids) const;

 private:
  storage::Client storage_;
};

}  // namespace lcg::uaa
