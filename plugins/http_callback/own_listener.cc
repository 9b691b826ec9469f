// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/own_listener.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <vector>

#include "lcg/net/address_policy.hpp"

namespace lcg::http_callback {
namespace {

using net::Endpoint, net::endpoint_of;

constexpr int kDescriptors = 4096;

bool is_wildcard(const Endpoint& endpoint) {
  const auto& a = endpoint.address;
  const bool tail = std::all_of(a.begin() + 12, a.end(), [](uint8_t b) { return b == 0; });
  const bool head = std::all_of(a.begin(), a.begin() + 10, [](uint8_t b) { return b == 0; });
  return tail && head && a[10] == a[11] && (a[10] == 0 || a[10] == 0xff);
}

bool is_loopback(const Endpoint& endpoint) {
  const auto& a = endpoint.address;
  const bool zeros = std::all_of(a.begin(), a.begin() + 10, [](uint8_t b) { return b == 0; });
  if (zeros && a[10] == 0xff && a[11] == 0xff) return a[12] == 127;
  return std::all_of(a.begin(), a.end() - 1, [](uint8_t b) { return b == 0; }) && a[15] == 1;
}

// One of this machine's.
bool is_local(const Endpoint& endpoint) {
  if (is_loopback(endpoint)) return true;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return true;
  bool found = false;
  for (const ifaddrs* item = list; item != nullptr && !found; item = item->ifa_next) {
    if (item->ifa_addr == nullptr) continue;
    const std::optional<Endpoint> own = endpoint_of(*item->ifa_addr);
    found = own && own->address == endpoint.address;
  }
  freeifaddrs(list);
  return found;
}

}  // namespace

bool is_own_listener(const sockaddr& address) {
  const std::optional<Endpoint> target = endpoint_of(address);
  if (!target) return false;
  for (int fd = 0; fd < kDescriptors; ++fd) {
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) continue;
    sockaddr_storage bound{};
    size = sizeof bound;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0) continue;
    const std::optional<Endpoint> own = endpoint_of(reinterpret_cast<const sockaddr&>(bound));
    if (!own || own->port != target->port) continue;
    if (own->address == target->address || (is_wildcard(*own) && is_local(*target))) return true;
  }
  return false;
}

}  // namespace lcg::http_callback
