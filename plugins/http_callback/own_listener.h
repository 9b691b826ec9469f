// SPDX-License-Identifier: Apache-2.0
// own_listener: is an address one where this very process listens? A callback sent there would come back as a
// request of a client, for ever; a name may be made to resolve there. Who
// wants it nevertheless lists the address with its port (lcg/net/address_policy.hpp).
#pragma once
#include <sys/socket.h>

namespace lcg::http_callback {

// Looks at the process's own sockets, at most the lowest 4,096 descriptors: listeners are opened first. Cost:
// about a millisecond; meant for a thread that may spend it, once a connection. Any thread.
bool is_own_listener(const sockaddr& address);

}  // namespace lcg::http_callback
