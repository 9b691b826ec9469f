// Transport and TransportHandler: the seam between one client's connection and the logic that serves it.
//
// The logic of a session is written against Transport, so that the same code runs on a socket
// (gateway/ws/connection.h), on another transport, and in a simulation that has no sockets at all.
//
// Lane: everything here is called on the connection's lane, both ways.
//
// Lifetime:
//  - The transport owns itself. A handler may use its Transport& from the moment it gets it until on_closed()
//    returns.
//  - The handler is not owned by the transport. It must live until on_closed(), in which it may delete itself.
//  - on_closed() is called exactly once and is the last call a handler gets. It is never called from inside a
//    Transport method, nor from inside another handler method: it comes at the end of the lane's turn in
//    which the connection ended, whoever ended it, or of a later one when many end at once (turn_end.h).
//    What is left of the closing handshake is done without a handler.
//  - A handler may call every Transport method inside every handler method but on_closed(), close() and
//    abort() too. After either, and once the connection is cut, no on_message(), on_pong(), on_overflow() or
//    on_writable_low() follows, and further sends are ignored.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/client_address.h"

namespace lcg::ws {

enum class MessageKind : uint8_t { kText, kBinary };

// What to do with a message that does not fit into the out queue.
enum class Overflow : uint8_t {
  kClose,  // abort the connection with 3008 "slow"
  kDrop,   // drop this message alone; the handler brings the client up to date later, see on_writable_low()
};

// How a connection ended.
struct CloseInfo {
  enum class By : uint8_t {
    kHandler,   // close() or abort() was called
    kPeer,      // the client sent a close frame
    kProtocol,  // the client broke the protocol or a limit
    kNetwork,   // reset, end of stream without a close frame, or a write that failed
  };
  By by = By::kNetwork;
  // RFC 6455 7.4: what was sent, or what came; 1005 a close frame without a code, 1006 no close frame at all.
  uint32_t code = 1006;
  std::string_view reason;  // valid during on_closed()
};

class Transport {
 public:
  // Sends one message. Replies made while a read is handled are gathered and leave in one write when all that
  // was read is handled; otherwise at the end of the turn. `payload` is copied.
  virtual void send_message(std::string_view payload, MessageKind kind) = 0;

  // As send_message(), but never compressed: for what must not share a compressed message with text of the
  // client's choice (deflate.h).
  virtual void send_secret(std::string_view payload, MessageKind kind) { send_message(payload, kind); }

  // Sends a block of whole, already framed messages (gateway/ws/frame.h), shared by all connections it goes
  // to: written at once when nothing is queued, else queued by reference. Order with send_message() is kept.
  virtual void send_block(const SharedBytes& frames) = 0;

  // The same where more may come for this connection in this turn: what the turn brings leaves in one write at its end,
  // small blocks copied together.
  virtual void gather_block(const SharedBytes& frames) { send_block(frames); }

  // Sends a WebSocket ping; the answer comes as on_pong(). `payload` is at most 125 bytes. This is not the
  // ping of the client protocol.
  virtual void send_ping(std::string_view payload) = 0;

  // Bytes the kernel did not take; a shared block counts in full for each connection. What is gathered for the write
  // of this turn is not among them: it has not been refused yet.
  virtual size_t queued_bytes() const = 0;

  // The session's client is connected. Until then little is inflated for it (ws/limits.h).
  virtual void client_connected() {}

  // Is so much queued that the client's commands are left unread? Then what was read should wait as well, until
  // on_writable_low().
  virtual bool congested() const { return false; }

  // Stops (true) or resumes (false) reading. What was read already is still delivered: at most kReadBurst
  // bytes; but compressed messages wait as if they were unread.
  virtual void pause_reading(bool paused) = 0;

  // Sends what is queued, then a close frame, then waits for the client's (limits.h). `reason`: at most 123
  // bytes, the rest is cut off. A second close() is ignored.
  virtual void close(uint32_t code, std::string_view reason) = 0;

  // As close(), but what is queued is dropped; only a frame half sent is completed, so that the client can
  // read the code. For a client that does not keep up (3008), and for leaving at once.
  virtual void abort(uint32_t code, std::string_view reason) = 0;

  // What the client asked for before its close frame is answered (TransportHandler::on_peer_close()): the connection
  // ends now.
  virtual void accept_close() {}

  // Whom a trusted proxy in front speaks for, else the socket's other end.
  virtual ClientAddress remote_address() const = 0;

 protected:
  ~Transport() = default;
};

class TransportHandler {
 public:
  // A whole message; a text is valid UTF-8. `payload` is valid during the call.
  virtual void on_message(std::string_view payload, MessageKind kind) = 0;

  virtual void on_pong(std::string_view payload) { static_cast<void>(payload); }

  // A message of `message_bytes` would take the out queue, which holds `queued_bytes`, over
  // limits.max_queue_bytes. May be called inside a send.
  virtual Overflow on_overflow(size_t message_bytes, size_t queued_bytes) {
    static_cast<void>(message_bytes);
    static_cast<void>(queued_bytes);
    return Overflow::kClose;
  }

  // The client's close frame came. False: what it asked for before is still to be answered, accept_close() follows; it
  // is waited for as long as the client takes what it is sent.
  virtual bool on_peer_close() { return true; }

  // The out queue was over limits.low_water_bytes and is no longer.
  virtual void on_writable_low() {}

  virtual void on_closed(const CloseInfo& info) = 0;

 protected:
  ~TransportHandler() = default;
};

}  // namespace lcg::ws
