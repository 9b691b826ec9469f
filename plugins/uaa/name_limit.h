// SPDX-License-Identifier: Apache-2.0
// name_limit: how many wrong passwords a user name takes, from whom, without locking its owner out.
//
//   a device that proved itself (device_proof)   a bucket of its own, whatever others try
//   anybody else                                 a bucket of the name and the address, and
//     while the name's common bucket has some    nothing more
//     when it is empty: the name is under attack a slow bucket of the name and the network: few tries, never none
//
// So the owner gets in: with a proof always, without one from any network that is not the attacker's; and who attacks
// from many addresses gets the common bucket and then the slow one of each network. Lane: the gate's.
#pragma once
#include <string>
#include <string_view>

#include "lcg/net/address.hpp"
#include "plugins/uaa/attempt_limit.h"

namespace lcg::uaa {

struct NameRules {
  AttemptLimit::Rule per_source{10, 10};  // of a device, or of a name and an address
  AttemptLimit::Rule per_name{100, 20};   // of a name, from all addresses without a proof
  AttemptLimit::Rule slow{2, 0.1};        // beyond that, of a name and a network
};

class NameLimit {
 public:
  // What a try was taken from.
  struct Taken {
    bool allowed = false;
    bool by_device = false, by_name = false, slowly = false;
  };

  NameLimit(NameRules rules, AttemptLimit::Secret secret)
      : sources_(rules.per_source, secret), names_(rules.per_name, secret), slow_(rules.slow, secret) {}

  // `device`: the serial of a proof, "" without one.
  Taken take(std::string_view user, std::string_view device, const AddressKey& address, int64_t now_ns);
  // It was no wrong password.
  void refund(const Taken& taken, std::string_view user, std::string_view device, const AddressKey& address,
              int64_t now_ns);

 private:
  AttemptLimit sources_, names_, slow_;
};

}  // namespace lcg::uaa
