// The nouns that gateway and broker share. Plain values; no behaviour, no I/O.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace lcg {

// Which gateway lane holds a session: node is 0 on one machine.
struct GatewayAddress {
  uint32_t node = 0;
  uint32_t lane = 0;
  friend auto operator<=>(const GatewayAddress&, const GatewayAddress&) = default;
};

// Who is on a connection; made once when connect is answered and shared, immutable, with every request.
struct Peer {
  std::string session;        // UUID of the connection: the protocol's "client"
  std::string user;           // "" anonymous
  std::string device;         // the install; equals session when the client named none
  uint64_t device_epoch = 0;  // issued by the registry
  bool ephemeral_device = false;
  std::string auth;    // the login behind the token; what a revocation names
  std::string remote;  // "192.0.2.1:5555"
  bool http = false;   // a plain HTTP request, no session
  GatewayAddress gateway;
  SharedBytes conn_info;  // JSON, shown to others as info.conn_info
};
using PeerPtr = std::shared_ptr<const Peer>;

struct StreamPosition {
  uint64_t offset = 0;
  std::string epoch;
  friend bool operator==(const StreamPosition&, const StreamPosition&) = default;
};

// As others see a publisher or a member of presence (client-protocol 1.5).
struct ClientInfo {
  std::string user, client;
  SharedBytes conn_info, chan_info;  // JSON values, may be empty
};

// Immutable once published; one object serves every subscriber on every lane of the process.
struct Publication {
  uint64_t offset = 0;  // 0: the channel keeps no history
  std::string epoch;    // of offset
  SharedBytes data;     // a JSON value without raw newlines
  ClientInfo info;      // user and client empty: published by the server
  bool has_info = false;
};
using PublicationPtr = std::shared_ptr<const Publication>;

}  // namespace lcg
