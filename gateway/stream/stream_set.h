// StreamSet: the HTTP-streaming and SSE connections of one lane, and what they share. As ws::ConnectionSet is
// for WebSockets: the buffers in which messages are gathered, the list of those with something to do at the
// end of the turn, and the only place where connections are destroyed.
//
// Lane: everything. Must outlive its connections and be destroyed on its lane, or after the lane stopped.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/lane.h"
#include "broker/api/types.h"
#include "gateway/ws/byte_stream.h"
#include "gateway/ws/connection_set.h"
#include "gateway/ws/limits.h"
#include "gateway/ws/transport.h"
#include "gateway/ws/turn_end.h"

namespace lcg::stream {

class StreamConnection;

enum class Format : uint8_t {
  kStream,  // HTTP-streaming: JSON lines, or length-delimited Protobuf
  kEvents,  // SSE: JSON
};

class StreamSet {
 public:
  // Makes the handler of a new connection. Must not be null; may use the transport at once.
  using Open = std::function<ws::TransportHandler*(ws::Transport&)>;

  // Of `limits` the queue's and the times of writing and closing count.
  StreamSet(Lane& lane, const ws::ConnectionLimits& limits);
  // Ends every connection without a word to its client; handlers not told yet get on_closed(3000).
  ~StreamSet();
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;

  // Takes over a stream on which the head of a chunked response has been sent. `first`, what the client sent with
  // its request, is the handler's first and only message.
  void start(ws::StreamPtr stream, Format format, Encoding encoding, const Open& open,
             std::string_view first);

  size_t size() const { return connections_.size(); }
  const ws::ConnectionCounters& counters() const { return counters_; }

 private:
  friend class StreamConnection;

  std::unique_ptr<std::string> take_cork();
  void give_back_cork(std::unique_ptr<std::string> cork);
  void remove(StreamConnection& connection);

  Lane& lane_;
  const ws::ConnectionLimits limits_;
  ws::ConnectionCounters counters_;
  std::string chunk_;  // reused
  std::vector<std::unique_ptr<std::string>> corks_;
  ws::TurnEnd<StreamConnection> turn_end_;
  std::vector<std::unique_ptr<StreamConnection>> connections_;  // each knows its index
};

}  // namespace lcg::stream
