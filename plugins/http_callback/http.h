// SPDX-License-Identifier: Apache-2.0
// http.h: one HTTP POST, and who can make it. Values only; http_client.h is the real one.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lcg/net/address_policy.hpp"

namespace lcg::http_callback {

inline constexpr size_t kMaxResponse = 64u << 10;         // bytes of a body; more is refused while it is read
inline constexpr size_t kMaxResponseHeaders = 32u << 10;  // bytes, all together

// What all requests to one back end share. Immutable.
struct Origin {
  std::string name;  // requests of the same name share its limits
  uint32_t max_connections = 8;
  uint32_t max_queue = 1024;  // requests that wait for a connection
  std::string ca, cert, key;  // files, PEM; "" the system's certificates, no client certificate
  std::string server_name;    // whose certificate is expected; "" the host of the URL
  net::AddressPolicy addresses;
};

struct HttpRequest {
  std::shared_ptr<const Origin> origin;
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string body;
  std::chrono::milliseconds timeout{1000};  // from now to the last byte of the answer, waiting included
  size_t max_response = kMaxResponse;
  bool repeatable = false;  // true: it does no harm when the back end gets it twice
};

struct HttpResult {
  enum class Error : uint8_t {
    kNone,
    kBusy,     // too many wait already
    kConnect,  // no connection: not resolved, refused, not allowed, not trusted
    kBroken,   // the connection broke, or what came is not HTTP
    kTimeout,
    kTooLarge,  // more than max_response or kMaxResponseHeaders
    kCancelled,
  };
  Error error = Error::kNone;
  bool sent = false;  // a byte of the request may have reached the back end
  long status = 0;    // HTTP, when error is kNone
  std::string body;
  std::string what;  // for the log
};

// Any thread, except where noted.
class Poster {
 public:
  using Done = std::function<void(HttpResult)>;

  virtual ~Poster() = default;
  // `done` runs exactly once, on a thread of the poster's, never inside start(). Returns a name for cancel().
  virtual uint64_t start(HttpRequest request, Done done) = 0;
  // `done` runs soon, with kCancelled unless something else came first.
  virtual void cancel(uint64_t id) = 0;
};

}  // namespace lcg::http_callback
