// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/published_keys.h"

#include <algorithm>

#include "plugins/token/key_fetcher.h"

namespace lcg::token {

PublishedKeys::PublishedKeys(Host host, size_t endpoints) : host_(host) {
  for (size_t i = 0; i < endpoints; ++i) copies_.push_back(std::make_unique<Copy>());
}

Task<> PublishedKeys::keep_fresh() {
  while (!host_.stopping() && !copies_.empty()) {
    bool complete = true;
    for (size_t i = 0; i < copies_.size() && !host_.stopping(); ++i) {
      co_await ask(copies_[i].get(), i, false);
      complete = complete && copies_[i]->version != 0;
    }
    co_await host_.sleep(complete ? kPoll : kFirstPoll);
  }
}

const KeyMap* PublishedKeys::keys(size_t endpoint) const { return copies_[endpoint]->keys.get(); }

Task<bool> PublishedKeys::look_again(size_t endpoint) {
  Copy* const copy = copies_[endpoint].get();
  const int64_t asked_ns = host_.now_ns();
  if (asked_ns < copy->closed_until_ns) co_return false;
  const AsyncLock::Guard guard = co_await copy->looking.acquire();
  // A look that began after we asked answers for us too.
  if (copy->looked_ns >= asked_ns) co_return copy->look_was_current;
  if (host_.now_ns() < copy->closed_until_ns) co_return false;
  copy->looked_ns = host_.now_ns();
  copy->look_was_current = co_await ask(copy, endpoint, true);
  co_return copy->look_was_current;
}

Task<bool> PublishedKeys::ask(Copy* copy, size_t endpoint, bool unknown_kid) {
  KeysAsk question;
  question.endpoint = endpoint;
  question.known_version = copy->version;
  question.unknown_kid = unknown_kid;
  Call call("token", "keys", keys_slot_key(endpoint), encode(question));
  const Reply reply = co_await host_.call(std::move(call));
  KeysAnswer answer;
  if (!reply.ok() || !decode(reply.data, answer)) co_return false;
  if (answer.changed && answer.version != 0) {
    copy->keys = std::make_unique<const KeyMap>(key_map(answer.keys));
    copy->version = answer.version;
  }
  copy->closed_until_ns = host_.now_ns() + static_cast<int64_t>(answer.retry_ms) * 1'000'000;
  co_return answer.current;
}

}  // namespace lcg::token
