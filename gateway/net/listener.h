// Listener: accepts TCP connections on one lane. Each lane has its own on the same address (SO_REUSEPORT);
// the kernel spreads connections over them.
//
// Lane: the one given; closed and destroyed on it, or after it stopped.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/client_address.h"
#include "base/status.h"
#include "gateway/ws/byte_stream.h"

namespace lcg {
class AsioLane;
}

namespace lcg::net {

struct ListenAddress {
  std::string host = "127.0.0.1";  // an address, no name; "::" is every address of both families
  uint16_t port = 0;               // 0: any free one
};

// "127.0.0.1:8000", "[::1]:8000", ":8000" (every address). kInvalid for anything else.
Result<ListenAddress> parse_listen_address(const std::string& text);

// kUnavailable if any process, this one too, listens there already. SO_REUSEPORT would let a second server of
// the same user take a share of the first one's connections without a word: ask this once, before the first
// Listener.
Status check_free(const ListenAddress& address);

class Listener {
 public:
  // `peer` is the address of the socket's other end, `fd` what is below the stream.
  using Accept = std::function<void(ws::StreamPtr, const ClientAddress& peer, int fd)>;

  // Listens at once. Errors: kUnavailable (in use, no permission, no such address), with what to do about it.
  static Result<std::unique_ptr<Listener>> open(AsioLane& lane, const ListenAddress& address, Accept accept);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  uint16_t port() const;
  // Do connections wait because the process has no file descriptor or memory for them? Tried again every
  // kAcceptBackoff.
  bool exhausted() const;

 private:
  struct Impl;
  explicit Listener(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // a wait under way holds it too
};

}  // namespace lcg::net
