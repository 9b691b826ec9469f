#include "gateway/net/http_connection.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"

namespace lcg::net {

using ws::IoResult;
using Counters = ws::ConnectionCounters;

HttpConnection::HttpConnection(HttpService& service, ws::StreamPtr stream, const Arrival& arrival)
    : service_(service), stream_(std::move(stream)), arrival_(arrival) {}

HttpConnection::~HttpConnection() {
  leave_half_open();
  if (answer_to_ != nullptr) *answer_to_ = nullptr;
  if (timer_ != 0) service_.lane_.cancel_timer(timer_);
}

void HttpConnection::start() {
  stream_->set_observer(this);
  set_deadline(service_.limits_.head_timeout);
  stream_->wait_readable();
}

void HttpConnection::drain() {
  keep_alive_ = false;
  if (state_ == State::kReading && parser_ == nullptr) finish();
}

void HttpConnection::on_readable() {
  if (state_ != State::kReading && state_ != State::kLingering) return;
  const std::span<char> buffer = service_.read_buffer();
  const IoResult result = stream_->read_some(buffer);
  if (result.status == IoResult::Status::kOk) {
    if (state_ == State::kReading) {
      feed({buffer.data(), result.bytes});
      return proceed();
    }
  } else if (result.status != IoResult::Status::kWouldBlock) {
    return finish();
  }
  stream_->wait_readable();
}

void HttpConnection::feed(std::string_view bytes) {
  const bool begins = parser_ == nullptr;
  if (begins) {
    parser_ = std::make_unique<HttpParser>(service_.limits_);
    in_body_ = head_only_ = false;
  }
  parser_->feed(bytes);
  if (!begins || half_open_) return;  // the first request's time runs from the connection
  if (parser_->blank()) {
    parser_.reset();  // still idle
  } else {
    set_deadline(service_.limits_.head_timeout);
  }
}

// Goes on with what was read until more is needed or a handler or the client has to do something.
void HttpConnection::proceed() {
  if (proceeding_) return;
  proceeding_ = true;
  while (state_ == State::kReading && parser_ != nullptr) {
    const HttpParser::State parsed = parser_->state();
    if (parsed == HttpParser::State::kHead) break;
    if (!in_body_) on_head();
    if (state_ == State::kFinished || parsed == HttpParser::State::kBody) break;
    if (parsed == HttpParser::State::kComplete) {
      dispatch();
    } else {
      Counters::add(service_.counters_.bad_requests);
      HttpResponse refusal = parser_->refusal();
      parser_.reset();
      respond(std::move(refusal));
    }
  }
  proceeding_ = false;
  if (state_ == State::kReading) stream_->wait_readable();
}

void HttpConnection::on_head() {
  in_body_ = true;
  leave_half_open();
  if (parser_->state() != HttpParser::State::kBody) return;
  set_deadline(service_.limits_.body_timeout);
  if (!parser_->expects_continue()) return;
  std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const iovec buffer{interim.data(), interim.size()};
  if (stream_->write_some({&buffer, 1}).bytes != interim.size()) finish();
}

void HttpConnection::dispatch() {
  Counters::add(service_.counters_.requests);
  state_ = State::kAnswering;
  keep_alive_ = parser_->keep_alive() && !service_.draining_;
  HttpRequest request = parser_->take_request();
  rest_ = parser_->take_rest();
  parser_.reset();
  head_only_ = request.method == "HEAD";
  knows_chunks_ = request.version >= 11;
  identify(request);
  set_deadline(service_.limits_.answer_timeout);
  WebSocketEndpoint* endpoint = arrival_.internal ? nullptr : service_.router_.websocket(request.path);
  if (std::optional<HttpResponse> refusal = refuse_foreign(request, service_.policy_.browsers)) {
    if (endpoint != nullptr) Counters::add(service_.counters_.upgrades_refused);
    return respond(std::move(*refusal));
  }
  const std::string path = request.path;
  try {
    if (endpoint != nullptr) {
      upgrade(std::move(request), *endpoint);
    } else {
      call_handler(std::move(request));
    }
  } catch (const std::exception& error) {
    log::error("an HTTP handler failed", {{"path", path}, {"error", error.what()}});
    // The responder of a plain request has answered 500, unless the handler gave it away.
    if (endpoint != nullptr && state_ == State::kAnswering) {
      HttpResponse response = HttpResponse::text(500, "the upgrade failed\n");
      response.close = true;
      respond(std::move(response));
    }
  }
}

// Who asks: for each request anew, for a proxy may send those of many on one connection.
void HttpConnection::identify(HttpRequest& request) {
  client_.reset();
  if (arrival_.trusted) {
    client_ = forwarded_client(request, arrival_.peer, service_.proxies_);
    stream_->set_remote_address(client_.value_or(arrival_.peer));
  }
  request.remote_address = stream_->remote_address();
  request.internal = arrival_.internal;
  request.known_host = host_is_known(request, service_.policy_.browsers.hosts);
  // A proxy on this host that nobody declared is betrayed by what it adds.
  request.local = arrival_.local && request.count("X-Forwarded-For") == 0 && request.count("Forwarded") == 0;
}

// A connection that stays is counted where its client is.
bool HttpConnection::count_client() {
  if (!client_.has_value()) return true;
  if (service_.gate_.count_address(*stream_, client_->key())) return true;
  Counters::add(service_.counters_.refused_address);
  return false;
}

void HttpConnection::call_handler(HttpRequest request) {
  answer_to_ = std::make_shared<HttpConnection*>(this);
  HttpResponder responder([answer_to = answer_to_](HttpResponse response) {
    if (HttpConnection* connection = std::exchange(*answer_to, nullptr); connection != nullptr) {
      connection->respond(std::move(response));
    }
  });
  service_.router_.handle(std::move(request), std::move(responder));
}

void HttpConnection::upgrade(HttpRequest request, WebSocketEndpoint& endpoint) {
  UpgradeResult result = negotiate_upgrade(request, service_.policy_);
  WebSocketRequest websocket{std::move(request), std::move(result.subprotocol), result.protobuf,
                             result.deflate, service_.lane_.now()};
  if (result.accepted) {
    if (std::optional<HttpResponse> refusal = endpoint.admit(websocket); refusal.has_value()) {
      result.accepted = false;
      result.response = std::move(*refusal);
      result.response.close = true;
    }
  }
  if (result.accepted && !count_client()) {
    result.accepted = false;
    result.response = HttpResponse::text(429, "too many connections of one address\n");
    result.response.close = true;
  }
  if (!result.accepted) {
    Counters::add(service_.counters_.upgrades_refused);
    return respond(std::move(result.response));
  }
  upgrade_ = std::make_unique<Upgrade>(Upgrade{&endpoint, std::move(websocket)});
  respond(std::move(result.response));
}

void HttpConnection::respond(HttpResponse response) {
  if (response.stream && !knows_chunks_) {
    response = HttpResponse::text(505, "a stream needs HTTP/1.1 (of nginx: proxy_http_version 1.1)\n");
  }
  if (response.stream && !head_only_ && !count_client()) {
    response = HttpResponse::text(429, "too many connections of one address\n");
    response.close = true;
  }
  if (response.close || response.stream || service_.draining_) keep_alive_ = false;
  out_ = serialize(response, head_only_, keep_alive_, service_.lane_.clock().wall_ms());
  if (!head_only_) stream_to_ = std::move(response.stream);
  out_sent_ = 0;
  state_ = State::kWriting;
  set_deadline(service_.limits_.write_progress_timeout);
  write();
  proceed();
}

void HttpConnection::write() {
  const iovec buffer{out_.data() + out_sent_, out_.size() - out_sent_};
  const IoResult result = stream_->write_some({&buffer, 1});
  if (result.status == IoResult::Status::kError) return finish();
  out_sent_ += result.bytes;
  if (out_sent_ == out_.size()) return when_written();
  if (result.bytes != 0) set_deadline(service_.limits_.write_progress_timeout);
  stream_->wait_writable();
}

void HttpConnection::on_writable() {
  if (state_ != State::kWriting) return;
  write();
  proceed();
}

void HttpConnection::when_written() {
  out_ = {};
  if (upgrade_ != nullptr) return hand_over();
  if (stream_to_) return hand_stream_over();
  if (!keep_alive_) return linger();
  state_ = State::kReading;
  set_deadline(service_.limits_.idle_timeout);
  if (!rest_.empty()) feed(std::exchange(rest_, {}));
}

void HttpConnection::hand_over() {
  Counters::add(service_.counters_.upgrades);
  const std::unique_ptr<Upgrade> upgrade = std::move(upgrade_);
  ws::StreamPtr stream = std::move(stream_);
  std::string early = std::move(rest_);
  finish();
  const uint8_t deflate = upgrade->request.deflate;
  service_.websockets_.start(
      std::move(stream),
      [&upgrade](ws::Transport& transport) {
        return upgrade->endpoint->open(transport, std::move(upgrade->request));
      },
      early, deflate);
}

void HttpConnection::hand_stream_over() {
  Counters::add(service_.counters_.streams);
  const std::function<void(ws::StreamPtr)> take = std::move(stream_to_);
  ws::StreamPtr stream = std::move(stream_);
  finish();
  take(std::move(stream));
}

void HttpConnection::linger() {
  state_ = State::kLingering;
  stream_->shutdown_write();
  set_deadline(service_.limits_.linger_timeout);
  stream_->wait_readable();
}

void HttpConnection::finish() {
  if (state_ == State::kFinished) return;
  state_ = State::kFinished;
  if (answer_to_ != nullptr) *answer_to_ = nullptr;
  service_.at_turn_end(*this);
}

void HttpConnection::leave_half_open() {
  if (!half_open_) return;
  half_open_ = false;
  if (!arrival_.trusted) service_.half_open_.remove(arrival_.peer.key());
}

void HttpConnection::set_deadline(std::chrono::milliseconds after) {
  Lane& lane = service_.lane_;
  deadline_ = lane.now() + after;
  if (timer_ != 0 && timer_due_ <= deadline_) return;  // on_timer() goes on waiting
  if (timer_ != 0) lane.cancel_timer(timer_);
  timer_due_ = deadline_;
  timer_ = lane.start_timer(after, [this] { on_timer(); });
}

void HttpConnection::on_timer() {
  timer_ = 0;
  if (state_ == State::kFinished) return;
  const Nanos left = deadline_ - service_.lane_.now();
  if (left > Nanos(0)) return set_deadline(std::chrono::ceil<Millis>(left));

  const bool idle = state_ == State::kReading && parser_ == nullptr;
  if (!idle && state_ != State::kLingering) Counters::add(service_.counters_.timeouts);
  if (idle || state_ == State::kLingering) return finish();
  if (state_ == State::kWriting) {
    stream_->discard_unsent();
    return finish();
  }
  const bool answering = state_ == State::kAnswering;
  if (answering && answer_to_ != nullptr) *answer_to_ = nullptr;
  HttpResponse response = answering ? HttpResponse::text(504, "the request took too long\n")
                                    : HttpResponse::text(408, "the request did not come in time\n");
  response.close = true;
  parser_.reset();
  respond(std::move(response));
}

}  // namespace lcg::net
