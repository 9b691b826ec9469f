// Devices: how many devices of one user have a document.
//
// A client names its device itself, so the documents (registry.h, "Device epoch") need a bound: at kMaxPerUser the
// one that was issued its epoch first makes room for a new one. Epochs of a user who has so many are the clock's
// milliseconds, above every epoch a forgotten device may have had: if it comes back, it is a new install and
// nothing it once sent is mistaken for its new messages. Lane: its own.
#pragma once
#include <cstdint>
#include <string>

#include "base/lane.h"
#include "broker/host/plugin_host.h"

namespace lcg::broker {

class Devices {
 public:
  struct Room {
    Outcome outcome;      // not ok: the store does not answer
    std::string evicted;  // the device whose document goes; empty: none
    uint64_t epoch = 1;   // of the new device
  };
  using RoomFn = UniqueFunction<void(Room)>;

  Devices(Lane& lane, host::PluginHost& host) : lane_(lane), host_(host) {}
  // For a device of `user` without a document. One read of at most kMaxPerUser rows.
  void make_room(const std::string& user, RoomFn done);

  static constexpr const char* kCollection = "device";
  static constexpr uint32_t kMaxPerUser = 256;
  static constexpr Millis kStoreTimeout{3'000};

 private:
  Lane& lane_;
  host::PluginHost& host_;
};

}  // namespace lcg::broker
