// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/key_fetcher.h"

#include <algorithm>

#include "lcg/wire.hpp"

namespace lcg::token {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kFirstRetry = 5s;

int64_t ns(std::chrono::milliseconds time) { return std::chrono::nanoseconds(time).count(); }

struct Published {
  bool ok = false;
  JwkSet set;
  std::string why;
};

// On the blocking pool.
Published fetch_set(const Endpoint& endpoint, const std::atomic<bool>& stop) {
  Published out;
  const Fetched fetched = fetch(endpoint.url, endpoint.rules, stop);
  out.why = fetched.why;
  if (!fetched.ok) return out;
  std::optional<JwkSet> set = read_jwk_set(fetched.body, out.why);
  out.ok = set.has_value();
  if (set) out.set = *std::move(set);
  return out;
}

}  // namespace

std::string keys_slot_key(size_t endpoint) { return "token/jwks/" + std::to_string(endpoint); }

std::string encode(const KeysAsk& ask) {
  return wire::Writer().u64(ask.endpoint).u64(ask.known_version).boolean(ask.unknown_kid).take();
}

bool decode(std::string_view data, KeysAsk& out) {
  wire::Reader r(data);
  out.endpoint = r.u64();
  out.known_version = r.u64();
  out.unknown_kid = r.boolean();
  return r.ok();
}

std::string encode(const KeysAnswer& answer) {
  wire::Writer w;
  w.u64(answer.version).boolean(answer.current).u64(answer.retry_ms).boolean(answer.changed);
  return w.str(answer.changed ? encode(answer.keys) : std::string()).take();
}

bool decode(std::string_view data, KeysAnswer& out) {
  wire::Reader r(data);
  out.version = r.u64();
  out.current = r.boolean();
  out.retry_ms = r.u64();
  out.changed = r.boolean();
  const std::string_view keys = r.str();
  return r.ok() && (!out.changed || decode(keys, out.keys));
}

KeyFetcher::KeyFetcher(Host host, std::vector<Endpoint> endpoints) : host_(host) {
  for (Endpoint& endpoint : endpoints) {
    states_.push_back(std::make_unique<State>());
    states_.back()->endpoint = std::move(endpoint);
  }
}

// When a request may be made, for an unknown kid or because it is time.
int64_t KeyFetcher::due_ns(const State& state, bool unknown_kid) const {
  if (state.tried_ns < 0) return 0;
  const int64_t min_interval = ns(state.endpoint.min_interval);
  int64_t due = state.fetched_ns + ns(state.endpoint.refresh);
  if (state.failures > 0)
    due = state.tried_ns + std::min(min_interval, kFirstRetry.count() << std::min(state.failures - 1, 16u));
  return unknown_kid ? std::min(due, state.tried_ns + min_interval) : due;
}

Task<Reply> KeyFetcher::answer(ServiceCall call) {
  KeysAsk ask;
  if (!decode(call.data, ask) || ask.endpoint >= states_.size())
    co_return Reply::error(LCG_E_INVALID, "malformed call");
  State* const state = states_[ask.endpoint].get();
  const int64_t asked_ns = host_.now_ns();
  // Others who wait for the set wait for the same request.
  const bool wants = ask.unknown_kid || state->version == 0;
  if (asked_ns >= due_ns(*state, ask.unknown_kid) || (wants && state->fetching.locked())) {
    const AsyncLock::Guard guard = co_await state->fetching.acquire();
    if (!host_.stopping() && asked_ns >= due_ns(*state, ask.unknown_kid)) co_await fetch_one(state);
  }
  KeysAnswer answer;
  answer.version = state->version;
  answer.current = state->fetched_ns >= asked_ns;
  answer.retry_ms =
      static_cast<uint64_t>(std::max<int64_t>(0, due_ns(*state, true) - host_.now_ns()) / 1'000'000);
  answer.changed = state->version != ask.known_version;
  if (answer.changed) answer.keys = state->keys;
  co_return Reply::with(encode(answer));
}

Task<> KeyFetcher::fetch_one(State* state) {
  state->tried_ns = host_.now_ns();
  auto work = [endpoint = state->endpoint, stop = stop_] { return fetch_set(endpoint, *stop); };
  Outcome<Published> done = co_await host_.offload(std::move(work));
  if (!done.ok()) done.value.why = "the blocking pool is full";
  if (done.ok() && done.value.ok) {
    keep(*state, std::move(done.value.set));
    co_return;
  }
  ++state->failures;
  if (host_.stopping()) co_return;
  host_.warn("jwks " + shown_url(state->endpoint.url) + ": " + done.value.why +
             (state->version == 0 ? "; its tokens cannot be checked yet" : "; the keys known so far stay"));
}

void KeyFetcher::keep(State& state, JwkSet set) {
  const bool changed = state.version == 0 || encode(set.keys) != encode(state.keys);
  state.fetched_ns = host_.now_ns();
  state.failures = 0;
  if (!changed) return;
  state.version = host_.random_u64() | 1;  // another owner's is another
  state.keys = std::move(set.keys);
  host_.info("jwks " + shown_url(state.endpoint.url) + ": " + std::to_string(state.keys.size()) + " keys");
  for (const std::string& skipped : set.skipped)
    host_.warn("jwks " + shown_url(state.endpoint.url) + ": skipped " + skipped);
}

}  // namespace lcg::token
