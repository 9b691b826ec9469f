// AddressLimit: how many of something each client address has, up to a limit. One lane.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/client_address.h"
#include "base/growing_map.h"

namespace lcg::net {

using AddressKey = ClientAddress::Key;

class AddressLimit {
 public:
  explicit AddressLimit(uint32_t limit) : limit_(limit) {}

  // Counts one more; false, and nothing counted, at the limit.
  [[nodiscard]] bool add(AddressKey key);
  // REQUIRES: an add() of the same key that was true
  void remove(AddressKey key);
  size_t addresses() const { return counts_.size(); }

 private:
  // Seeded: clients cannot choose addresses that collide.
  struct Hash {
    uint64_t operator()(AddressKey key) const {
      return text_hash({reinterpret_cast<const char*>(&key), sizeof key});
    }
  };
  const uint32_t limit_;
  GrowingMap<AddressKey, uint32_t, Hash> counts_;
};

}  // namespace lcg::net
