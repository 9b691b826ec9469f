// Codec: one encoding of the client protocol: JSON (json_codec.h) and Protobuf (protobuf_codec.h).
//
// Reading: a CommandReader is pointed at a frame and gives its commands one by one. Nothing is copied; rest()
// is what it has not looked at, so that a session can put the remainder of a frame aside while a command
// waits for its answer.
//
// Writing: an Encoder appends one message to the frame that is being built in `out`, with whatever separates
// it from the messages there. Replies and pushes are written alike; a publication is encoded once for every
// variant that has a subscriber, never once for each subscriber (gateway/fanout/hub.h).
//
// A reader belongs to a lane and serves all its sessions, one frame at a time. An encoder has no state.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "broker/api/codes.h"
#include "broker/api/types.h"
#include "gateway/protocol/command.h"
#include "gateway/protocol/reply.h"
#include "gateway/ws/deflate.h"
#include "gateway/ws/transport.h"

namespace lcg::protocol {

// How a block of messages is put on the wire (gateway/fanout/framing.h).
enum class Framing : uint8_t {
  kWebSocket,
  // permessage-deflate without context: a compressed frame is shared like any other, by those with one window.
  kWebSocketDeflate9,
  kWebSocketDeflate10,
  kWebSocketDeflate11,
  kWebSocketDeflate,  // of 12 bits
  kStream,            // HTTP-streaming: JSON lines, or length-delimited Protobuf, in chunks
  kEventStream        // SSE: "data: <json>\n\n", in chunks
};

// Bits of the window that was agreed (ws/extensions.h); 0: none was.
constexpr Framing framing_of(uint8_t window) {
  constexpr int kBefore = static_cast<int>(Framing::kWebSocketDeflate) - ws::kDeflateWindowBits;
  return window == 0 ? Framing::kWebSocket : static_cast<Framing>(kBefore + window);
}
// REQUIRES: a framing with a window.
constexpr int window_of(Framing framing) {
  return ws::kDeflateWindowBits - (static_cast<int>(Framing::kWebSocketDeflate) - static_cast<int>(framing));
}
static_assert(framing_of(ws::kLeastDeflateWindowBits) == Framing::kWebSocketDeflate9);

// In which form a publication of a delta subscription is sent (client-protocol 2).
enum class DeltaForm : uint8_t {
  kNone,   // not negotiated
  kFull,   // negotiated, the whole data: the subscriber has no base yet
  kPatch,  // negotiated, the patch where there is one
};

// Who shares an encoded push: subscribers of a channel whose variants are equal get the same block.
struct Variant {
  Encoding encoding = Encoding::kJson;
  Framing framing = Framing::kWebSocket;
  bool unidirectional = false;  // bare pushes (client-protocol 1.14)
  bool compact = false;         // the channel's number in place of its name
  DeltaForm delta = DeltaForm::kNone;

  friend bool operator==(const Variant&, const Variant&) = default;
};

// How a push names its channel.
struct PushChannel {
  std::string_view name;
  int64_t id = 0;  // not 0: sent in place of the name (compaction)
};

enum class Next : uint8_t {
  kCommand,    // command() holds it
  kEnd,        // the frame is used up
  kMalformed,  // not this protocol, or over a limit of limits.h: the connection is closed with 3501
};

class CommandReader {
 public:
  virtual ~CommandReader() = default;
  // A frame without any command is malformed at the first next(). `commands` of it were read already: when
  // the frame is what rest() gave, it may be empty.
  virtual void open(std::string_view frame, uint32_t commands = 0) = 0;
  virtual Next next() = 0;
  // After kCommand; valid until the next call of next() or open().
  virtual const Command& command() const = 0;
  virtual std::string_view rest() const = 0;
  virtual uint32_t commands() const = 0;

  // `request` is one ConnectRequest without a command around it: what a unidirectional client sends
  // (client-protocol 1.14). False: malformed. command() holds it, with id 0.
  virtual bool open_connect(std::string_view request) = 0;
};

// The body of POST /emulation (client-protocol 1.14); views into the body or the reader's buffer.
struct EmulationRequest {
  std::string_view node, session;
  std::string data;  // framed commands
};
std::optional<EmulationRequest> parse_emulation(Encoding encoding, std::string_view body,
                                                std::string& scratch);

// A unidirectional encoder writes connect, ping and the pushes; the rest REQUIRES a bidirectional one.
class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual ws::MessageKind message_kind() const = 0;

  virtual void error(std::string& out, uint32_t id, const Error& error) const = 0;
  // Of a unidirectional encoder: the connect push; `id` is not sent.
  virtual void connect(std::string& out, uint32_t id, const ConnectReply& reply) const = 0;
  virtual void subscribe(std::string& out, uint32_t id, const SubscribeReply& reply) const = 0;
  virtual void unsubscribe(std::string& out, uint32_t id) const = 0;
  virtual void publish(std::string& out, uint32_t id) const = 0;
  virtual void presence(std::string& out, uint32_t id, std::span<const ClientInfo> clients) const = 0;
  virtual void presence_stats(std::string& out, uint32_t id, uint32_t clients, uint32_t users) const = 0;
  virtual void history(std::string& out, uint32_t id, const HistoryReply& reply) const = 0;
  virtual void rpc(std::string& out, uint32_t id, std::string_view data) const = 0;
  virtual void refresh(std::string& out, uint32_t id, const RefreshReply& reply) const = 0;
  virtual void sub_refresh(std::string& out, uint32_t id, const RefreshReply& reply) const = 0;

  virtual void ping(std::string& out) const = 0;
  // JSON cannot carry a binary publication: the caller sees to it that no JSON session gets one.
  // `delta` says what may be sent: a patch that is not there, or that the encoding cannot carry, is the whole data.
  virtual void push_publication(std::string& out, const PushChannel& channel, const Publication& pub,
                                DeltaForm delta) const = 0;
  virtual void push_join(std::string& out, const PushChannel& channel, const ClientInfo& info) const = 0;
  virtual void push_leave(std::string& out, const PushChannel& channel, const ClientInfo& info) const = 0;
  virtual void push_unsubscribe(std::string& out, const PushChannel& channel, uint32_t code,
                                std::string_view reason) const = 0;
  // A server-side subscription made while connected.
  virtual void push_subscribe(std::string& out, std::string_view channel,
                              const SubscribeReply& reply) const = 0;
  virtual void push_message(std::string& out, std::string_view data) const = 0;
  // Of every transport but the bidirectional WebSocket, which has close frames.
  virtual void push_disconnect(std::string& out, uint32_t code, std::string_view reason) const = 0;
  virtual void push_refresh(std::string& out, const RefreshReply& reply) const = 0;
};

// Any thread. By encoding and unidirectional alone.
const Encoder& encoder_of(const Variant& variant);
std::unique_ptr<CommandReader> make_reader(Encoding encoding);

}  // namespace lcg::protocol
