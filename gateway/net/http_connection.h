// HttpConnection: one client speaking HTTP/1.1 on a stream: a request, its answer, the next.
//
// Bytes behind a request (pipelining) wait, unread beyond one buffer, until it is answered. When a request
// upgrades to WebSocket and the 101 is written, the stream and what was read behind the request go to the
// ConnectionSet, and this object ends. Every state has a deadline (http_limits.h). Destroyed by the
// HttpService at the end of the turn in which it finished.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "base/lane.h"
#include "gateway/net/http_parser.h"
#include "gateway/net/http_service.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::net {

class HttpConnection final : private ws::StreamObserver {
 public:
  HttpConnection(HttpService& service, ws::StreamPtr stream, const Arrival& arrival);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

 private:
  friend class HttpService;

  enum class State : uint8_t {
    kReading,    // a request, or waiting for one
    kAnswering,  // a handler has the request
    kWriting,    // the answer
    kLingering,  // answered for the last time: the client reads and closes
    kFinished,
  };
  struct Upgrade {
    WebSocketEndpoint* endpoint;
    WebSocketRequest request;
  };

  void start();
  void drain();

  void on_readable() override;
  void on_writable() override;

  void feed(std::string_view bytes);
  void proceed();
  void on_head();
  void dispatch();
  void identify(HttpRequest& request);
  bool count_client();
  void call_handler(HttpRequest request);
  void upgrade(HttpRequest request, WebSocketEndpoint& endpoint);
  void respond(HttpResponse response);
  void write();
  void when_written();
  void hand_over();
  void hand_stream_over();
  void linger();
  void finish();
  void leave_half_open();

  void set_deadline(std::chrono::milliseconds after);
  void on_timer();

  HttpService& service_;
  ws::StreamPtr stream_;
  const Arrival arrival_;
  std::optional<ClientAddress> client_;  // of the request at hand, as a trusted proxy told
  size_t index_ = 0;
  State state_ = State::kReading;
  bool half_open_ = true;
  bool proceeding_ = false;
  bool in_body_ = false;
  bool keep_alive_ = true;
  bool head_only_ = false;
  bool knows_chunks_ = true;
  std::unique_ptr<HttpParser> parser_;  // null between requests
  std::string rest_;                    // read behind the request being answered
  std::string out_;
  size_t out_sent_ = 0;
  std::shared_ptr<HttpConnection*>
      answer_to_;                     // what the responder knows us by; null inside when it is too late
  std::unique_ptr<Upgrade> upgrade_;  // its 101 is being written
  std::function<void(ws::StreamPtr)> stream_to_;  // the head of its endless response is being written
  MonoTime deadline_;
  MonoTime timer_due_;
  TimerId timer_ = 0;
};

}  // namespace lcg::net
