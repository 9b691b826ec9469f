// ByteStream: a connected, ordered stream of bytes that never blocks, as the connections above it see it.
//
// Production: TcpStream (gateway/net/tcp_stream.h). Encryption is another implementation of this interface.
// Tests script one. Lane: all calls and all observer calls on the lane that owns the stream.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/client_address.h"

namespace lcg::ws {

struct IoResult {
  enum class Status : uint8_t {
    kOk,          // `bytes` > 0 were moved
    kWouldBlock,  // wait and try again
    kEnd,         // read only: the peer sends no more
    kError,       // the stream is of no further use
  };
  Status status = Status::kError;
  size_t bytes = 0;
};

class StreamObserver {
 public:
  virtual void on_readable() = 0;
  virtual void on_writable() = 0;

 protected:
  ~StreamObserver() = default;
};

// Told when a stream it counts is released. Lane: the stream's; lives until then.
class StreamLedger {
 public:
  virtual void on_released(uint64_t key) = 0;

 protected:
  ~StreamLedger() = default;
};

class ByteStream {
 public:
  // Whom the waits tell. Changed when a connection changes its protocol.
  virtual void set_observer(StreamObserver* observer) = 0;

  virtual IoResult read_some(std::span<char> into) = 0;
  // Writes a part or all of `buffers`, in order. Not empty, at most kGatherBuffers.
  virtual IoResult write_some(std::span<const iovec> buffers) = 0;

  // Calls the observer once, not from inside this call, when a read or write may do something: also at the
  // end or an error of the stream. A second call before that is ignored.
  virtual void wait_readable() = 0;
  virtual void wait_writable() = 0;

  // No more will be written; the peer reads what was written and then the end.
  virtual void shutdown_write() = 0;
  // On release, throw away what the peer has not taken yet and reset the connection.
  virtual void discard_unsent() = 0;

  virtual ClientAddress remote_address() const = 0;
  // What remote_address() tells from now on: a trusted proxy in front has told it.
  virtual void set_remote_address(const ClientAddress& address) = 0;
  // `ledger` is told, once, when the stream is released, with `key`; a later call replaces both.
  virtual void account_to(StreamLedger* ledger, uint64_t key) = 0;

  // Closes and frees the stream; no observer call follows. Used by StreamPtr alone.
  virtual void release() = 0;

 protected:
  ~ByteStream() = default;
};

struct StreamRelease {
  void operator()(ByteStream* stream) const { stream->release(); }
};
using StreamPtr = std::unique_ptr<ByteStream, StreamRelease>;

}  // namespace lcg::ws
