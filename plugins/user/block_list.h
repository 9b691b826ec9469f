// SPDX-License-Identifier: Apache-2.0
// block_list: whom a user has blocked. Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "lcg/services/storage.hpp"
#include "lcg/services/user.hpp"
#include "lcg/sync.hpp"

namespace lcg::user {

class BlockList {
 public:
  explicit BlockList(Host host) : host_(host), storage_(host) {}

  // On the lane of the user's slot, one after the other. LCG_OK also when it was so already. LCG_E_CONFLICT:
  // kMaxBlocks are blocked.
  Task<Reply> block(std::string user, std::string blocked);
  Task<Reply> unblock(std::string user, std::string blocked);
  // In order of their ids.
  Task<Outcome<std::vector<std::string>>> list(std::string user) const;
  Task<Outcome<Blocks>> check(std::string first, std::string second) const;

 private:
  Task<Outcome<bool>> blocks(std::string user, std::string other) const;

  const Host host_;
  const storage::Client storage_;
  KeyedLock<> turns_;
};

}  // namespace lcg::user
