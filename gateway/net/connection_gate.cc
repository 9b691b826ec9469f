#include "gateway/net/connection_gate.h"

namespace lcg::net {

ConnectionGate::ConnectionGate(Lane& lane, const HttpLimits& limits)
    : lane_(lane),
      limits_(limits),
      rate_(limits.connections_per_second, limits.connection_burst),
      addresses_(limits.max_connections_per_address) {}

ConnectionGate::Verdict ConnectionGate::admit(ws::ByteStream& stream) {
  if (open_ >= limits_.max_connections) return Verdict::kFull;
  if (!rate_.try_take(lane_.now())) return Verdict::kTooFast;
  ++open_;
  stream.account_to(this, ClientAddress::kNoKey);
  return Verdict::kAdmitted;
}

bool ConnectionGate::count_address(ws::ByteStream& stream, AddressKey address) {
  if (limits_.max_connections_per_address == 0) return true;
  if (!addresses_.add(address)) return false;
  stream.account_to(this, address);
  return true;
}

void ConnectionGate::on_released(uint64_t key) {
  --open_;
  if (key != ClientAddress::kNoKey) addresses_.remove(key);
}

}  // namespace lcg::net
