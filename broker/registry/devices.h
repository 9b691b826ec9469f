// Devices: the documents of a user's devices (registry.h, "Device epoch"), and how many there may be.
//
// A client names its device itself, so the documents need a bound: at kMaxPerUser the ones that were issued their epoch
// first make room for a new one. Epochs of a user who has so many are the clock's milliseconds, above every epoch a
// forgotten device may have had: if it comes back, it is a new install and nothing it once sent is mistaken for its new
// messages. New devices of one user come one after another, so that none counts what another is about to add; where
// there are more than the bound, of whatever past, each new one takes all of a scan's excess along. Lane: its own.
#pragma once
#include <cstdint>
#include <deque>
#include <string>

#include "base/growing_map.h"
#include "base/lane.h"
#include "broker/host/plugin_host.h"

namespace lcg::broker {

class Devices {
 public:
  // As the store answered; LCG_E_CONFLICT: the device has a document; LCG_E_BUSY: too many of the user wait.
  using MadeFn = UniqueFunction<void(ServiceCallResponse, uint64_t epoch)>;

  Devices(Lane& lane, host::PluginHost& host) : lane_(lane), host_(host) {}
  // A document for a device of `user` that has none. `wanted` is asked when its turn has come and before it is
  // written; false: nothing is written and the answer is LCG_E_CANCELLED.
  void make(const std::string& user, std::string device, UniqueFunction<bool()> wanted, MadeFn done);
  // In the place of `current`, which LCG_E_CONFLICT: it is not.
  void replace(const std::string& user, const std::string& device, std::string current, uint64_t epoch,
               MadeFn done);

  static constexpr const char* kCollection = "device";
  static constexpr uint64_t kFirstEpoch = 1;
  static constexpr uint32_t kMaxPerUser = 256;
  static constexpr size_t kMaxWaiting = 256;  // new devices of a user
  static constexpr Millis kStoreTimeout{3'000};

 private:
  struct New {
    std::string device;
    UniqueFunction<bool()> wanted;
    MadeFn done;
  };
  void scan(const std::string& user);
  void write(const std::string& user, const std::string& scanned);
  // The first that waits has its answer; the next one's turn.
  void made(const std::string& user, ServiceCallResponse answer, uint64_t epoch);
  std::string document(uint64_t epoch) const;

  Lane& lane_;
  host::PluginHost& host_;
  GrowingMap<std::string, std::deque<New>> waiting_;  // by user; the first has its turn
};

}  // namespace lcg::broker
