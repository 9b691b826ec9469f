// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/name_limit.h"

namespace lcg::uaa {
namespace {

// No user name and no serial has a NUL.
std::string key_of(char kind, std::string_view user, std::string_view of) {
  std::string key(1, kind);
  key.append(user).push_back('\0');
  return key.append(of);
}

}  // namespace

NameLimit::Taken NameLimit::take(std::string_view user, std::string_view device, const AddressKey& address,
                                 int64_t now_ns) {
  Taken taken;
  if (!device.empty()) {
    taken.by_device = true;
    taken.allowed = sources_.take(key_of('d', user, device), now_ns);
    return taken;
  }
  const std::string source = key_of('a', user, address.host);
  if (!sources_.take(source, now_ns)) return taken;
  taken.by_name = names_.take(user, now_ns);
  taken.slowly = !taken.by_name && slow_.take(key_of('n', user, address.network), now_ns);
  taken.allowed = taken.by_name || taken.slowly;
  if (!taken.allowed) sources_.refund(source, now_ns);
  return taken;
}

void NameLimit::refund(const Taken& taken, std::string_view user, std::string_view device,
                       const AddressKey& address, int64_t now_ns) {
  if (!taken.allowed) return;
  if (taken.by_device) return sources_.refund(key_of('d', user, device), now_ns);
  sources_.refund(key_of('a', user, address.host), now_ns);
  if (taken.by_name) names_.refund(user, now_ns);
  if (taken.slowly) slow_.refund(key_of('n', user, address.network), now_ns);
}

}  // namespace lcg::uaa
