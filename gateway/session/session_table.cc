#include "gateway/session/session_table.h"

#include <utility>

#include "gateway/session/session.h"

namespace lcg::gateway {

SessionId make_session_id(Random& random) {
  std::array<uint8_t, 16> bytes;
  random.fill(std::as_writable_bytes(std::span(bytes)));
  bytes[6] = static_cast<uint8_t>((bytes[6] & 0x0F) | 0x40);  // version 4
  bytes[8] = static_cast<uint8_t>((bytes[8] & 0x3F) | 0x80);  // variant
  constexpr std::string_view kHex = "0123456789abcdef";
  SessionId id;
  size_t at = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) id[at++] = '-';
    id[at++] = kHex[bytes[i] >> 4];
    id[at++] = kHex[bytes[i] & 0x0F];
  }
  return id;
}

SessionTable::SessionTable() = default;
SessionTable::~SessionTable() = default;

SessionHandle SessionTable::reserve() {
  if (free_.empty()) {
    places_.emplace_back();
    return {static_cast<uint32_t>(places_.size() - 1), places_.back().generation};
  }
  const uint32_t index = free_.back();
  free_.pop_back();
  return {index, places_[index].generation};
}

void SessionTable::put(SessionHandle handle, std::unique_ptr<Session> session) {
  by_id_.try_emplace(std::string_view(session->id()), handle.index);
  if (!session->secret().empty()) by_secret_.try_emplace(std::string_view(session->secret()), handle.index);
  places_[handle.index].session = std::move(session);
}

void SessionTable::erase(SessionHandle handle) {
  if (find(handle) == nullptr) return;
  Place& place = places_[handle.index];
  by_id_.erase(std::string_view(place.session->id()));
  if (!place.session->secret().empty()) by_secret_.erase(std::string_view(place.session->secret()));
  ++place.generation;
  free_.push_back(handle.index);
  const std::unique_ptr<Session> gone = std::move(place.session);  // its end may look into the table
}

Session* SessionTable::find(SessionHandle handle) const {
  if (handle.index >= places_.size()) return nullptr;
  const Place& place = places_[handle.index];
  return place.generation == handle.generation ? place.session.get() : nullptr;
}

Session* SessionTable::find(std::string_view id) const {
  const auto* entry = by_id_.find(id);
  return entry == nullptr ? nullptr : places_[entry->value].session.get();
}

Session* SessionTable::find_secret(std::string_view secret) const {
  const auto* entry = by_secret_.find(secret);
  return entry == nullptr ? nullptr : places_[entry->value].session.get();
}

}  // namespace lcg::gateway
