// ApiConfig: the section gateway.api of the configuration. Read once, shared immutable by the lanes.
//
//   api:
//     keys:
//       - { name: orders, key: "${env:ORDERS_KEY}", methods: [publish, broadcast], namespaces: [orders] }
//       - { name: admin, key: "${file:admin.key}", rate: 100, burst: 200 }
//     error_mode: transport
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "gateway/api/limits.h"

namespace lcg::gateway::api {

// SHA-256 of a key: the key itself is not kept.
using KeyDigest = std::array<uint8_t, 32>;
KeyDigest digest_of(std::string_view key);

struct KeyConfig {
  std::string name;  // told in errors and logs
  KeyDigest digest{};
  std::vector<std::string> methods;     // empty: all that `namespaces` leaves
  std::vector<std::string> namespaces;  // empty: all; "" is that of channels without one
  double rate = 0;                      // commands a second, on each lane; 0: no limit
  double burst = 0;                     // commands at once
};

struct ApiConfig {
  std::vector<KeyConfig> keys;
  bool insecure = false;          // no key is asked for
  bool transport_errors = false;  // error_mode: transport
  size_t max_body_bytes = kMaxBodyBytes;
  size_t max_batch_commands = kMaxBatchCommands;
  size_t max_broadcast_channels = kMaxBroadcastChannels;
  uint32_t max_in_flight = kMaxInFlight;  // a lane
  // The plugin services that `revoke` asks, each of which must do it: those that let clients in by token.
  std::vector<std::string> revoke_services = {"uaa"};
};

// Every key is optional; what is wrong is reported by the section.
ApiConfig read_config(config::Section section);

}  // namespace lcg::gateway::api
