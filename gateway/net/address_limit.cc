#include "gateway/net/address_limit.h"

namespace lcg::net {

bool AddressLimit::add(AddressKey key) {
  uint32_t& count = counts_[key];
  if (count >= limit_) {
    if (count == 0) counts_.erase(key);
    return false;
  }
  ++count;
  return true;
}

void AddressLimit::remove(AddressKey key) {
  const auto at = counts_.find(key);
  if (--at->second == 0) counts_.erase(at);
}

}  // namespace lcg::net
