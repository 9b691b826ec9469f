// SessionTable: the sessions of one gateway lane by handle and by id.
//
// A handle is what an answer that is under way keeps instead of a pointer: it stops being found when its
// session is gone, and a place is never mistaken for its successor (32-bit generation). Lane: the gateway
// lane's.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/growing_map.h"

namespace lcg::gateway {

class Session;

struct SessionHandle {
  uint32_t index = UINT32_MAX;
  uint32_t generation = 0;
};

// "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx", RFC 9562 5.4.
using SessionId = std::array<char, 36>;
SessionId make_session_id(Random& random);

class SessionTable {
 public:
  SessionTable();
  ~SessionTable();  // deletes the sessions that are left
  SessionTable(const SessionTable&) = delete;
  SessionTable& operator=(const SessionTable&) = delete;

  // Reserves a place; put() fills it. In between find() gives null.
  SessionHandle reserve();
  void put(SessionHandle handle, std::unique_ptr<Session> session);
  // Deletes the session.
  void erase(SessionHandle handle);

  // Null: gone.
  Session* find(SessionHandle handle) const;
  Session* find(std::string_view id) const;
  // Of an emulated session, by what its client alone knows.
  Session* find_secret(std::string_view secret) const;

  size_t size() const { return by_id_.size(); }
  // In steps: GrowingMap::walk. `visit` gets a SessionHandle and must not change the table.
  template <class Fn>
  uint64_t walk(uint64_t cursor, size_t steps, Fn&& visit) const {
    return by_id_.walk(cursor, steps, [&](const auto& entry) {
      visit(SessionHandle{entry.value, places_[entry.value].generation});
    });
  }

 private:
  struct Place {
    std::unique_ptr<Session> session;
    uint32_t generation = 1;
  };
  std::deque<Place> places_;
  std::vector<uint32_t> free_;
  // The views are of the sessions' own.
  GrowingMap<std::string_view, uint32_t> by_id_, by_secret_;
};

}  // namespace lcg::gateway
