// ConnectionGate: counts all connections of one lane, whatever they have become, and says whether another may come.
//
// A connection is counted from admit() until its stream is released. Lane: everything; outlives the streams.
#pragma once
#include <atomic>
#include <cstdint>

#include "base/lane.h"
#include "base/rate_limit.h"
#include "gateway/net/address_limit.h"
#include "gateway/net/http_limits.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::net {

class ConnectionGate final : private ws::StreamLedger {
 public:
  enum class Verdict : uint8_t {
    kAdmitted,
    kFull,         // max_connections
    kTooFast,      // connections_per_second
    kAddressFull,  // max_connections_per_address
  };

  ConnectionGate(Lane& lane, const HttpLimits& limits);
  ConnectionGate(const ConnectionGate&) = delete;
  ConnectionGate& operator=(const ConnectionGate&) = delete;

  // Counts the connection, for no address yet.
  Verdict admit(ws::ByteStream& stream);
  // Counts a connection that was admitted for its client's address, which is known now, once. False: that address
  // has as many as it may.
  bool count_address(ws::ByteStream& stream, AddressKey address);

  size_t size() const { return open_; }

 private:
  void on_released(uint64_t key) override;

  Lane& lane_;
  const HttpLimits limits_;
  TokenBucket rate_;
  AddressLimit addresses_;
  size_t open_ = 0;
};

}  // namespace lcg::net
