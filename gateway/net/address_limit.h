// AddressLimit: how many of something each client address has, up to a limit. One lane.
#pragma once
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/client_address.h"

namespace lcg::net {

using AddressKey = ClientAddress::Key;

class AddressLimit {
 public:
  // `seed` keeps clients from choosing addresses that collide in the table.
  AddressLimit(uint32_t limit, uint64_t seed) : limit_(limit), counts_(0, Hash{seed}) {}

  // Counts one more; false, and nothing counted, at the limit.
  [[nodiscard]] bool add(AddressKey key);
  // REQUIRES: an add() of the same key that was true
  void remove(AddressKey key);
  size_t addresses() const { return counts_.size(); }

 private:
  struct Hash {
    uint64_t seed;
    size_t operator()(AddressKey key) const {
      uint64_t x = (key ^ seed) + 0x9e3779b97f4a7c15u;
      x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
      x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
      return x ^ (x >> 31);
    }
  };
  uint32_t limit_;
  std::unordered_map<AddressKey, uint32_t, Hash> counts_;
};

}  // namespace lcg::net
