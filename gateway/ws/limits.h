// Every limit of a WebSocket connection, with its unit and where it comes from.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "gateway/ws/deflate.h"

namespace lcg::ws {

// Of the frame parser. One copy a listener, shared by its connections.
struct FrameLimits {
  // Bytes of one message, all fragments together, however many; over it 1009. Client protocol 1.1: 65536. Of clients
  // it follows from what their frames may have to hold (gateway/frame_size.h).
  uint32_t max_message_bytes = 65536;
  // Bytes of a compressed message once inflated; over it 1009. Client protocol 1.1: ten times the message.
  uint32_t max_inflated_bytes = 655360;
  // Work that inflating may cost (inflate_budget.h, bytes) beyond the bytes that came; over it 1008. Until the
  // client is connected, in all, beyond kInflatedForAByte. Afterwards at once, and a second: a busy client's few
  // hundred messages of some KiB, and four of the largest.
  uint32_t inflated_before_connect = 65536;
  uint32_t inflated_burst = 4 * 655360;
  uint32_t inflated_per_second = 655360;
  // Fragments of one message that carry nothing; over it 1008. An honest encoder ends a message with one.
  uint32_t max_empty_fragments = 16;
};
inline constexpr uint32_t kMaxMessageBytes = 16u << 20;  // that may be configured
// Work that each compressed byte may cost before connect: what a batch of commands that differ in the last few bytes of the
// longest names comes to (37), so that a client may compress the one it returns with.
inline constexpr size_t kInflatedForAByte = 48;

// Of a connection. Fixed for the life of the lane's connections.
struct ConnectionLimits {
  FrameLimits frame;
  DeflateOptions deflate;

  // Bytes a connection may owe its client. A message is refused (Overflow) if the queue is not empty and
  // would grow over it: so the most ever held is the larger of this and one message. Centrifugo: 1 MiB.
  size_t max_queue_bytes = 1u << 20;
  // Bytes at which a queue counts as drained (on_writable_low).
  size_t low_water_bytes = 256u << 10;
  // Bytes queued at which the client's own messages are left unread, until low_water_bytes: it must read to
  // be heard.
  size_t read_pause_bytes = 512u << 10;

  // A client that takes no byte of its queue for this long is closed with 3008.
  std::chrono::milliseconds write_progress_timeout{30'000};
  // A message must be whole after this, and one second more for each min_message_rate bytes of it that came;
  // else 1008.
  std::chrono::milliseconds message_timeout{30'000};
  uint32_t min_message_rate = 2048;  // bytes a second

  // close(): for the queue to leave, and again for the client's close frame to come.
  std::chrono::milliseconds close_timeout{5'000};
  // abort(): for the close frame to leave.
  std::chrono::milliseconds abort_timeout{1'000};

  // Control frames (ping, pong) a client may send: a second, and at once; over it 1008.
  uint32_t control_frames_per_second = 10;
  uint32_t control_frame_burst = 50;
};

// Bytes of the lane's read buffer, and how many times a turn one connection may fill it before others get
// theirs.
inline constexpr size_t kReadBufferBytes = 64u << 10;
inline constexpr unsigned kReadsPerTurn = 4;
inline constexpr size_t kReadBurst = kReadBufferBytes * kReadsPerTurn;
// What one connection may have done of what was read before others get their turn: messages, and work of inflating
// (inflate_budget.h), over by one message at most. The rest is put aside for kRestDelay.
inline constexpr unsigned kMessagesPerTurn = 1024;
inline constexpr size_t kInflatedPerTurn = kReadBurst;
inline constexpr std::chrono::milliseconds kRestDelay{1};
// Ends of connections of one lane, WebSockets and streams apart, that a turn takes leave of (turn_end.h): a few, and more
// where many wait, up to the events of a turn (AsioLane::kEventsPerTurn), each of which may be a cut.
inline constexpr size_t kEndsPerTurn = 32, kMaxEndsPerTurn = 256;
// What one DEFLATE block counts for, in bytes of output: its tables are made whether it has output or not.
inline constexpr size_t kDeflateBlockCost = 512;
// Buffers of one gathered write (IOV_MAX is 1024; more than this brings nothing).
inline constexpr size_t kGatherBuffers = 64;
// A lane keeps this many cork buffers for reuse, as many as connections often have something in one turn, each of at
// most kCorkKeepBytes, all together of kCorkPoolBytes.
inline constexpr size_t kCorkPoolBuffers = 1024;
inline constexpr size_t kCorkPoolBytes = 4u << 20;
inline constexpr size_t kCorkKeepBytes = 64u << 10;
// A message larger than this is not corked but made a block of its own.
inline constexpr size_t kCorkMessageBytes = 16u << 10;
// A shared block up to this many bytes that follows corked replies is copied behind them, for one contiguous
// write (measured: a gathered write costs 1.36 times a contiguous one).
inline constexpr size_t kCorkCopyBytes = 4u << 10;

}  // namespace lcg::ws
