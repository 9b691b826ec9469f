// Every limit of the client protocol, with its unit and where it comes from. Those an operator may change are
// the defaults of GatewayConfig (gateway/config.h); those of the WebSocket layer are in gateway/ws/limits.h.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lcg::protocol {

// Bytes of what one command carries for the application: a publication, the data of a connect. Client protocol 1.1.
// How large a frame may be is made of this and the limits below (gateway/frame_size.h); how many commands are in it
// has no limit: each is paid for (kCommandBurst, kCommandsPerTurn).
inline constexpr uint32_t kMaxMessageBytes = 65536;
// Nesting of a command, its payload included; over it 3501. Deeper than any SDK sends, shallow enough to
// refuse cheaply.
inline constexpr unsigned kMaxJsonDepth = 64;
// Messages gathered in one frame to a client: its SDK handles a frame's messages one after the other, so a
// large frame delays the last. Client protocol 1.17.
inline constexpr size_t kMaxPushesPerFrame = 16;

// Bytes a lane's encoding buffers keep between messages; one that grew larger, by a long history, is let go.
inline constexpr size_t kKeptBufferBytes = 256u << 10;

// Bytes of a channel name; over it error 107. Client protocol 1.8.
inline constexpr size_t kMaxChannelBytes = 255;
// Subscriptions of one connection; over it error 106, or 3505 for server-side ones. Client protocol 1.8.
inline constexpr uint32_t kMaxChannelsPerClient = 128;
inline constexpr uint32_t kMostChannelsPerClient = 4096;  // that may be configured
// Subscriptions a connect may name, the rest is ignored: all that may be configured, and one, so that it is noticed.
inline constexpr size_t kMaxRecoverSubs = kMostChannelsPerClient + 1;
// Emulated HTTP headers of a connect, and bytes of all their names and values; over it 3501. As many as a browser
// sends itself, and as many bytes as servers take.
inline constexpr size_t kMaxEmulatedHeaders = 64;
inline constexpr size_t kMaxEmulatedHeaderBytes = 8192;
// Bytes of an rpc method's name; over it error 107.
inline constexpr size_t kMaxMethodBytes = 255;
// Bytes of a token; over it 3500. A JWT with many claims has 2 KiB.
inline constexpr size_t kMaxTokenBytes = 8192;

// Bytes of a connection's commands that wait for the one before them: reading pauses there. What was read
// already still arrives: one message of the largest size, and small ones (ws::kReadBurst) with what each costs to keep
// (kHeldMaxBytes). Over all together 3008.
inline constexpr size_t kHeldPauseBytes = 64u << 10;
inline constexpr size_t kHeldMaxBytes = 1u << 20;
// Publications of a channel that wait for the answer to a subscribe; over it the subscription starts anew
// (2500).
inline constexpr size_t kMaxHeldEvents = 512;

// Bytes owed to a client at which the dialogs it follows are collapsed, and at which they are taken up again.
// Chat semantics 3.7.
inline constexpr size_t kSoftQueueBytes = 64u << 10;

// Client protocol 1.6 and 1.7.
inline constexpr std::chrono::milliseconds kPingInterval{25'000};
inline constexpr std::chrono::milliseconds kPongTimeout{8'000};
inline constexpr std::chrono::milliseconds kStaleTimeout{10'000};
inline constexpr std::chrono::milliseconds kExpiredGrace{25'000};

// Commands of one connection that run before others get their turn, and how long the rest of them waits then. So many
// bytes of its answers count as one command more: a turn makes 256 KiB of them and one answer.
inline constexpr unsigned kCommandsPerTurn = 64;
inline constexpr size_t kAnswerBytesPerCommand = 4096;
inline constexpr std::chrono::milliseconds kTurnDelay{1};

// Bytes of answers to one connection a second, and at once; over it what asks for many is refused (error 111):
// subscribe, presence, history, rpc. A short answer is not counted: its command is.
inline constexpr size_t kAnswerBytesPerSecond = 2u << 20;
inline constexpr size_t kAnswerBurstBytes = 16u << 20;
inline constexpr size_t kShortAnswerBytes = 1024;
// Bytes of publications that one connect reply recovers; what is over it is told as not recovered.
inline constexpr size_t kMaxConnectRecoveryBytes = 4u << 20;

// Commands of one connection a second, and at once; over it error 111. Well above what a person's client
// does, well below what hurts a lane.
inline constexpr double kCommandsPerSecond = 200;
inline constexpr double kCommandBurst = 1000;

}  // namespace lcg::protocol
