// SPDX-License-Identifier: Apache-2.0
// published_keys: an instance's copy of the keys that endpoints publish; key_fetcher.h gets them. Lane: the
// instance's.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/sync.hpp"
#include "plugins/token/jwk_set.h"

namespace lcg::token {

class PublishedKeys {
 public:
  // How often an instance asks whether there are newer keys.
  static constexpr std::chrono::milliseconds kPoll{5000};
  // Until the first set has come.
  static constexpr std::chrono::milliseconds kFirstPoll{250};

  PublishedKeys(Host host, size_t endpoints);

  // Spawned at start: keeps the copies fresh until the instance stops.
  Task<> keep_fresh();

  // Null: no set has come yet.
  const KeyMap* keys(size_t endpoint) const;

  // For a token that keys() cannot check. True: keys() is now what the endpoint published after this was asked, so
  // what it does not have does not exist. False: that cannot be known at this moment.
  Task<bool> look_again(size_t endpoint);

 private:
  struct Copy {
    uint64_t version = 0;
    std::unique_ptr<const KeyMap> keys;
    AsyncLock looking;
    int64_t looked_ns = -1;         // when the last look began
    bool look_was_current = false;  // and what it said
    int64_t closed_until_ns = 0;    // the owner would not look before
  };
  Task<bool> ask(Copy* copy, size_t endpoint, bool unknown_kid);

  const Host host_;
  std::vector<std::unique_ptr<Copy>> copies_;
};

}  // namespace lcg::token
