// The part of connect's data that is the broker's: which install a client is. JSON both ways.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace lcg::broker {

inline constexpr size_t kMaxDeviceBytes = 64;

// {"device": "...", "epoch": n}; other members are the plugins' business.
struct ClientInstall {
  std::string device;  // "": the client names none
  uint64_t epoch = 0;  // 0: it has none
};

// Empty data, or data that is no object, names no device. Nothing: a device or epoch of the wrong type, a
// device longer than kMaxDeviceBytes or not all visible (base/visible.h), or no JSON.
std::optional<ClientInstall> parse_install(std::string_view data);

// The connect reply's data: {"device": ..., "epoch": ...} and the members of `plugin_data`, which cannot name
// these two; plugin data that is no object is the member "data".
SharedBytes connect_reply_data(std::string_view plugin_data, const ClientInstall& install);

}  // namespace lcg::broker
