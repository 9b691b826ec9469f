#include "gateway/session/token_cache.h"

#include <utility>

namespace lcg::gateway {

PeerPtr TokenCache::find(const std::string& token, MonoTime now) {
  const auto* found = by_token_.find(token);
  if (found == nullptr) return nullptr;
  if (found->value->until > now) return found->value->peer;
  drop(found->value);
  return nullptr;
}

void TokenCache::add(std::string token, PeerPtr peer, MonoTime until) {
  if (max_entries_ == 0) return left_(peer);
  // Two calls with a new token ask twice.
  if (const auto* before = by_token_.find(token)) drop(before->value);
  while (entries_.size() >= max_entries_) drop(entries_.begin());
  entries_.push_back({std::move(token), std::move(peer), until});
  const Place place = std::prev(entries_.end());
  by_token_.try_emplace(std::string_view(place->token), place);
  by_session_.try_emplace(std::string_view(place->peer->session), place);
}

bool TokenCache::remove(std::string_view session) {
  const auto* found = by_session_.find(session);
  if (found == nullptr) return false;
  drop(found->value);
  return true;
}

void TokenCache::drop(Place entry) {
  by_token_.erase(entry->token);
  by_session_.erase(entry->peer->session);
  const PeerPtr peer = std::move(entry->peer);
  entries_.erase(entry);
  left_(peer);
}

}  // namespace lcg::gateway
