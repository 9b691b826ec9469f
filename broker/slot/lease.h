// Leases: a document of the service "storage" for each slot says which node holds it and under which term.
//
// Collection "lease", partition "@<slot>", key "owner". A node takes a slot by raising the term with a
// conditional write; from then on the store refuses whoever writes under an older term. The value begins with
// a format version (wire.hpp's first byte), then term, node name, wall time of the taking in Unix ms, number
// of slots.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.h"
#include "base/lane.h"
#include "base/status.h"
#include "broker/host/plugin_host.h"
#include "broker/slot/slots.h"

namespace lcg::broker {

struct Lease {
  uint64_t term = 0;
  std::string node;
  int64_t taken_ms = 0;
  uint64_t slots = 0;  // of the node that took it: the number of slots is fixed for the life of a store

  std::string encode() const;
  // Nothing: not a lease this version can read.
  static std::optional<Lease> decode(std::string_view value);
};

// Takes every slot for this node. Lane: the one `host` belongs to. Outlives its calls.
class LeaseKeeper {
 public:
  LeaseKeeper(Lane& lane, host::PluginHost& host, Slots& slots, std::string node);

  // Raises the term of every slot, kInFlight at a time, and notes it in `slots`. `done` runs once: ok, or the
  // first failure with the slot and what to do about it; slots taken until then stay taken. REQUIRES: the
  // storage plugin serves; no acquire_all under way.
  void acquire_all(UniqueFunction<void(Status)> done);

  static constexpr uint32_t kInFlight = 64;      // slots being taken at once
  static constexpr uint32_t kMaxAttempts = 5;    // conflicts a slot before giving up
  static constexpr Millis kCallTimeout{10'000};  // a store that recovers after a crash may be slow to answer

 private:
  void start_more();
  void read(uint32_t slot, uint32_t attempt);
  void write(uint32_t slot, uint32_t attempt, std::optional<std::string> current);
  void finish(uint32_t slot, Status status);
  Status explain(uint32_t slot, std::string_view doing, const ServiceCallResponse& answer) const;

  Lane& lane_;
  host::PluginHost& host_;
  Slots& slots_;
  const std::string node_;
  UniqueFunction<void(Status)> done_;
  uint32_t next_ = 0, in_flight_ = 0;
  Status failure_;
};

}  // namespace lcg::broker
