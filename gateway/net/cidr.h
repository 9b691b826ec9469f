// CidrList: networks of addresses, IPv4 and IPv6. Immutable once made; any thread.
#pragma once
#include <string>
#include <vector>

#include "base/client_address.h"
#include "base/status.h"

namespace lcg::net {

class CidrList {
 public:
  CidrList() = default;
  // "10.0.0.0/8", "192.0.2.1", "fd00::/8". Bits behind the prefix must be zero: "10.0.0.1/8" is a slip of the
  // pen. kInvalid names the entry.
  static Result<CidrList> parse(const std::vector<std::string>& networks);

  // An IPv4 address is a member of an IPv4 network in whichever form it came.
  bool contains(const ClientAddress& address) const;
  bool empty() const { return networks_.empty(); }

 private:
  struct Network {
    ClientAddress::Bytes address;
    unsigned bits;  // of 128
  };
  std::vector<Network> networks_;
};

}  // namespace lcg::net
