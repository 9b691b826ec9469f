// Which device a client is, and what its connect's answer says of it.
//
// The device has a place of its own: the headers lcg-device and lcg-epoch, real ones or those of the connect command
// (docs/protocol.md, "Devices"). A connect's data is the application's; only where it says nothing in that place, and
// its data is an object with a well-formed "device", is it named by that. What is not well-formed names no device and
// is no error: a connection is not refused for it, its numbered messages are.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "broker/api/connection_requests.h"

namespace lcg::broker {

inline constexpr size_t kMaxDeviceBytes = 64;

struct ClientInstall {
  std::string device;             // "": the client names none
  std::optional<uint64_t> epoch;  // as BindSession::claimed_epoch
  bool in_data = false;           // so named, and so answered
};

ClientInstall install_of(const ConnectRequest& request);

// `plugin_data` with "device" and "epoch" of the device, for a client that named it in its data. As it is where they
// have no room: it is no JSON object, or has a member of one of the two names.
SharedBytes data_with_install(const SharedBytes& plugin_data, std::string_view device, uint64_t epoch);

}  // namespace lcg::broker
