// HttpParser: bytes in, one request out. No I/O, no clock.
//
// The grammar and the bodies (Content-Length, chunked) are Beast's; before it sees a head, and after, the
// parser refuses what two servers could read differently (RFC 9112 11.2, request smuggling): lines not ended
// by CRLF, folded headers, control characters, Content-Length with Transfer-Encoding or twice, codings other
// than "chunked", no or two Hosts, targets that name neither a path here nor a resource of a host. A refused request has an answer to send,
// after which the connection must end.
//
// One parser a request; the bytes behind it are take_rest().
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "gateway/net/http_limits.h"
#include "gateway/net/http_message.h"

namespace lcg::net {

class HttpParser {
 public:
  enum class State { kHead, kBody, kComplete, kRefused };

  explicit HttpParser(const HttpLimits& limits);  // which must outlive it
  ~HttpParser();
  HttpParser(HttpParser&&) noexcept;

  // Takes all of `bytes`. REQUIRES: state() is kHead or kBody.
  State feed(std::string_view bytes);
  State state() const { return state_; }
  // Nothing came but empty lines.
  bool blank() const { return state_ == State::kHead && buffer_.empty(); }

  // REQUIRES: kComplete
  HttpRequest take_request() { return std::move(request_); }
  std::string take_rest() { return std::move(buffer_); }
  bool keep_alive() const { return keep_alive_; }

  // REQUIRES: kRefused
  const HttpResponse& refusal() const { return refusal_; }
  // In kBody: does the client wait for "100 Continue" before it sends the body?
  bool expects_continue() const { return expects_continue_; }

 private:
  struct Beast;

  bool scan_head();
  void parse_head();
  bool accept_head();
  bool accept_target(std::string_view target);
  void skip_empty_lines();
  void feed_body();
  State refuse(unsigned status, std::string why);

  const HttpLimits& limits_;
  State state_ = State::kHead;
  std::string buffer_;  // bytes not yet used
  size_t scanned_ = 0;  // of buffer_, in kHead
  size_t line_start_ = 0;
  size_t lines_ = 0;
  size_t head_bytes_ = 0;        // once known
  bool last_chunk_cut_ = false;  // the buffer ends inside it
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  HttpRequest request_;
  HttpResponse refusal_;
  std::unique_ptr<Beast> beast_;
};

}  // namespace lcg::net
