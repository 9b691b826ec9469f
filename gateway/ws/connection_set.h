// ConnectionSet: the WebSocket connections of one lane and what they share.
//
// Shared, because only one connection is worked on at a time: the read buffer, and the buffers in which
// replies are gathered (corked) before they leave in one write. Connections with something to do at the end
// of the turn (replies to flush, an end to report) put themselves on a list here; it is also the only place
// where connections are destroyed.
//
// Lane: everything. Must outlive its connections and be destroyed on its lane, or after the lane stopped.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/lane.h"
#include "gateway/ws/byte_stream.h"
#include "gateway/ws/deflate.h"
#include "gateway/ws/limits.h"
#include "gateway/ws/transport.h"
#include "gateway/ws/turn_end.h"

namespace lcg::ws {

class Connection;

// Written by the lane, read by any thread.
struct ConnectionCounters {
  std::atomic<uint64_t> opened{0};
  std::atomic<uint64_t> closed{0};
  std::atomic<uint64_t> messages_in{0};
  std::atomic<uint64_t> bytes_in{0};
  std::atomic<uint64_t> inflated{0};  // what inflating cost beyond bytes_in (inflate_budget.h)
  std::atomic<uint64_t> bytes_out{0};
  std::atomic<uint64_t> writes{0};
  std::atomic<uint64_t> blocked_writes{0};    // the kernel took not all
  std::atomic<uint64_t> refused_messages{0};  // out queue over its limit
  std::atomic<uint64_t> slow_closed{0};       // 3008
  std::atomic<uint64_t> protocol_errors{0};   // 1002, 1007, 1008, 1009

  static void add(std::atomic<uint64_t>& counter, uint64_t n = 1) {  // one writer: no locked instruction
    counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

class ConnectionSet {
 public:
  // Makes the handler of a new connection. Must not be null; may use the transport at once.
  using Open = std::function<TransportHandler*(Transport&)>;

  ConnectionSet(Lane& lane, const ConnectionLimits& limits);
  // Ends every connection without a word to its client; handlers not told yet get on_closed(3000).
  ~ConnectionSet();
  ConnectionSet(const ConnectionSet&) = delete;
  ConnectionSet& operator=(const ConnectionSet&) = delete;

  // Takes over a stream whose upgrade is answered. `early`: what the client sent behind its request; handled
  // before this returns. `deflate`: permessage-deflate was agreed, with so many bits of our window; REQUIRES
  // limits.deflate.enabled.
  void start(StreamPtr stream, const Open& open, std::span<char> early = {}, uint8_t deflate = 0);

  // Open connections, and closed ones that finish their closing handshake.
  size_t size() const { return connections_.size(); }
  void close_all(uint32_t code, std::string_view reason);
  void abort_all(uint32_t code, std::string_view reason);

  // Bytes that inflating the next message begins with.
  size_t kept_for_inflating() const { return inflater_ == nullptr ? 0 : inflater_->kept_bytes(); }

  Lane& lane() { return lane_; }
  const ConnectionLimits& limits() const { return limits_; }
  const ConnectionCounters& counters() const { return counters_; }

 private:
  friend class Connection;

  std::span<char> read_buffer() { return {read_buffer_.get(), kReadBufferBytes}; }
  std::unique_ptr<std::string> take_cork();
  void give_back_cork(std::unique_ptr<std::string> cork);
  void remove(Connection& connection);

  Lane& lane_;
  const ConnectionLimits limits_;
  ConnectionCounters counters_;
  std::unique_ptr<char[]> read_buffer_;
  std::unique_ptr<Deflater> deflater_;  // null unless compression is enabled
  std::unique_ptr<Inflater> inflater_;
  std::vector<std::unique_ptr<std::string>> corks_;
  size_t corks_bytes_ = 0;  // their capacities
  TurnEnd<Connection> turn_end_;
  std::vector<std::unique_ptr<Connection>> connections_;  // each knows its index
};

}  // namespace lcg::ws
