// Codec: one encoding of the client protocol. JSON today (json_codec.h); Protobuf is a second pair of these
// classes and one more Variant.
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
#include <span>
#include <string>
#include <string_view>

#include "broker/api/codes.h"
#include "broker/api/types.h"
#include "gateway/protocol/command.h"
#include "gateway/protocol/reply.h"
#include "gateway/ws/transport.h"

namespace lcg::protocol {

// Who shares an encoded push.
enum class Variant : uint8_t { kJson };
inline constexpr size_t kVariants = 1;

enum class Next : uint8_t {
  kCommand,    // command() holds it
  kEnd,        // the frame is used up
  kMalformed,  // not this protocol, or over a limit of limits.h: the connection is closed with 3501
};

class CommandReader {
 public:
  virtual ~CommandReader() = default;
  // A frame without any command is malformed at the first next(). `commands` of it were read already (when
  // the frame is what rest() gave): they count against kMaxCommandsPerFrame.
  virtual void open(std::string_view frame, uint32_t commands = 0) = 0;
  virtual Next next() = 0;
  // After kCommand; valid until the next call of next() or open().
  virtual const Command& command() const = 0;
  virtual std::string_view rest() const = 0;
  virtual uint32_t commands() const = 0;
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual ws::MessageKind message_kind() const = 0;

  virtual void error(std::string& out, uint32_t id, const Error& error) const = 0;
  virtual void connect(std::string& out, uint32_t id, const ConnectReply& reply) const = 0;
  virtual void subscribe(std::string& out, uint32_t id, const SubscribeReply& reply) const = 0;
  virtual void unsubscribe(std::string& out, uint32_t id) const = 0;
  virtual void publish(std::string& out, uint32_t id) const = 0;
  virtual void presence(std::string& out, uint32_t id, std::span<const ClientInfo> clients) const = 0;
  virtual void presence_stats(std::string& out, uint32_t id, uint32_t clients, uint32_t users) const = 0;
  virtual void history(std::string& out, uint32_t id, const HistoryReply& reply) const = 0;
  virtual void rpc(std::string& out, uint32_t id, std::string_view data) const = 0;
  virtual void refresh(std::string& out, uint32_t id, const RefreshReply& reply) const = 0;

  virtual void ping(std::string& out) const = 0;
  virtual void push_publication(std::string& out, std::string_view channel, const Publication& pub) const = 0;
  virtual void push_join(std::string& out, std::string_view channel, const ClientInfo& info) const = 0;
  virtual void push_leave(std::string& out, std::string_view channel, const ClientInfo& info) const = 0;
  virtual void push_unsubscribe(std::string& out, std::string_view channel, uint32_t code,
                                std::string_view reason) const = 0;
};

// Any thread.
const Encoder& encoder_of(Variant variant);
std::unique_ptr<CommandReader> make_reader(Variant variant);

}  // namespace lcg::protocol
