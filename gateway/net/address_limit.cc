#include "gateway/net/address_limit.h"

namespace lcg::net {

bool AddressLimit::add(AddressKey key) {
  if (limit_ == 0) return false;
  uint32_t& count = counts_.try_emplace(key).first->value;
  if (count >= limit_) return false;
  ++count;
  return true;
}

void AddressLimit::remove(AddressKey key) {
  if (--counts_.find(key)->value == 0) counts_.erase(key);
}

}  // namespace lcg::net
