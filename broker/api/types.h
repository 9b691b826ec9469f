// The nouns that gateway and broker share. Plain values; no behaviour, no I/O.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace lcg {

// Which gateway lane holds a session: node is 0 on one machine.
struct GatewayAddress {
  uint32_t node = 0;
  uint32_t lane = 0;
  friend auto operator<=>(const GatewayAddress&, const GatewayAddress&) = default;
};

// How a client is connected, and in which encoding: what callbacks and events tell (client-protocol 3).
enum class TransportKind : uint8_t {
  kWebSocket,
  kHttpStream,
  kSse,
  kUniWebSocket,
  kUniHttpStream,
  kUniSse,
  kHttp
};
enum class Encoding : uint8_t { kJson, kProtobuf };

// "websocket", "http_stream", "sse", "uni_websocket", "uni_http_stream", "uni_sse", "http"
std::string_view transport_name(TransportKind kind);
// "json", "protobuf"
std::string_view encoding_name(Encoding encoding);

// Who is on a connection; made once when connect is answered and shared, immutable, with every request. A
// refresh that changes it makes another.
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
  TransportKind transport = TransportKind::kWebSocket;
  Encoding encoding = Encoding::kJson;
  SharedBytes meta{};     // JSON, of the server alone: told to plugins, never to a client
  SharedBytes headers{};  // JSON object of the client's HTTP headers that plugins may see; lower-case names
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

// Words on a publication that subscribers may filter by (client-protocol 1.5, 1.8). Sorted by key, keys unique.
using Tags = std::vector<std::pair<std::string, std::string>>;

// Immutable once published; one object serves every subscriber on every lane of the process.
struct Publication {
  uint64_t offset = 0;  // 0: the channel keeps no history
  std::string epoch;    // of offset
  SharedBytes data;     // a JSON value without raw newlines, or any bytes when `binary`
  ClientInfo info;      // user and client empty: published by the server
  bool has_info = false;
  bool binary = false;  // data is not JSON: a JSON connection cannot be sent it (3506)
  Tags tags{};
  // A Fossil delta from the data of offset - 1 of the same epoch; empty: none was made, or it is no smaller
  // (client-protocol 2).
  SharedBytes patch{};
};
using PublicationPtr = std::shared_ptr<const Publication>;

}  // namespace lcg
