#include "gateway/net/http_parser.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <limits>
#include <utility>

namespace lcg::net {

namespace http = boost::beast::http;

struct HttpParser::Beast {
  http::request_parser<http::string_body> parser;
};

HttpParser::HttpParser(const HttpLimits& limits) : limits_(limits) {}
HttpParser::~HttpParser() = default;
HttpParser::HttpParser(HttpParser&&) noexcept = default;

HttpParser::State HttpParser::feed(std::string_view bytes) {
  buffer_.append(bytes);
  if (state_ == State::kHead) {
    skip_empty_lines();
    if (scan_head()) parse_head();
  }
  if (state_ == State::kBody) feed_body();
  return state_;
}

// Some clients send one behind a body (RFC 9112 2.2).
void HttpParser::skip_empty_lines() {
  if (lines_ != 0) return;
  size_t skipped = 0;
  while (buffer_.compare(skipped, 2, "\r\n") == 0) skipped += 2;
  if (skipped == 0) return;
  buffer_.erase(0, skipped);
  scanned_ = 0;
}

// Looks at every byte of the head once. True when its end is found; a refusal also ends it (state_ tells).
bool HttpParser::scan_head() {
  for (; scanned_ < buffer_.size(); ++scanned_) {
    const size_t at = scanned_;
    const auto byte = static_cast<uint8_t>(buffer_[at]);
    if (at >= limits_.max_head_bytes) {
      return refuse(431, "request head over " + std::to_string(limits_.max_head_bytes) + " bytes\n"), false;
    }
    if (lines_ == 0 && at >= limits_.max_target_bytes + 32) {  // 32: room for method and version
      return refuse(414, "request target over " + std::to_string(limits_.max_target_bytes) + " bytes\n"),
             false;
    }
    if (at > 0 && buffer_[at - 1] == '\r' && byte != '\n') return refuse(400, "CR without LF\n"), false;
    if (byte == '\n') {
      if (at == 0 || buffer_[at - 1] != '\r') return refuse(400, "LF without CR\n"), false;
      const bool empty = at == line_start_ + 1;
      line_start_ = at + 1;
      if (empty) {
        head_bytes_ = at + 1;
        return true;
      }
      if (++lines_ > limits_.max_headers + 1) return refuse(431, "too many headers\n"), false;
    } else if (at == line_start_ && (byte == ' ' || byte == '\t')) {
      return refuse(400, "folded header\n"), false;
    } else if ((byte < 0x20 && byte != '\r' && byte != '\t') || byte == 0x7F) {
      return refuse(400, "control character in the head\n"), false;
    }
  }
  return false;
}

void HttpParser::parse_head() {
  beast_ = std::make_unique<Beast>();
  auto& parser = beast_->parser;
  parser.header_limit(std::numeric_limits<uint32_t>::max());  // counted above
  parser.body_limit(limits_.max_body_bytes);
  parser.eager(false);

  // A later minor version is answered as the latest there is (RFC 9110 2.5).
  const size_t line = buffer_.find('\r');
  if (line > 8 && buffer_.compare(line - 8, 7, "HTTP/1.") == 0 && buffer_[line - 1] > '1' &&
      buffer_[line - 1] <= '9')
    buffer_[line - 1] = '1';

  boost::beast::error_code error;
  parser.put(boost::asio::buffer(buffer_.data(), head_bytes_), error);
  if (error && error != http::error::need_more) {
    const bool version = error == http::error::bad_version;
    const bool body = error == http::error::body_limit;
    refuse(version ? 505 : body ? 413 : 400, error.message() + "\n");
    return;
  }
  if (!parser.is_header_done()) {
    refuse(400, "the request head is not complete\n");
    return;
  }
  buffer_.erase(0, head_bytes_);
  if (!accept_head()) return;
  parser.eager(true);
  state_ = parser.is_done() ? State::kComplete : State::kBody;
}

// Copies what handlers see and refuses what is ambiguous.
bool HttpParser::accept_head() {
  const auto& message = beast_->parser.get();
  request_.method = std::string(message.method_string());
  request_.version = message.version();
  for (const auto& field : message) {
    request_.headers.push_back({std::string(field.name_string()), std::string(field.value())});
  }
  const std::string_view target(message.target().data(), message.target().size());
  if (target.size() > limits_.max_target_bytes) return refuse(414, "request target too long\n"), false;
  if (request_.method == "CONNECT" || request_.method == "TRACE") {
    refuse(405, "method is not served\n");
    refusal_.headers.push_back({"Allow", "GET, HEAD, POST"});
    return false;
  }
  if (request_.count("Host") > 1 || (request_.version == 11 && request_.count("Host") == 0)) {
    return refuse(400, "exactly one Host header is needed\n"), false;
  }
  if (!accept_target(target)) return false;
  const size_t lengths = request_.count("Content-Length");
  const size_t codings = request_.count("Transfer-Encoding");
  if (lengths > 1 || request_.header("Content-Length").find(',') != std::string_view::npos) {
    return refuse(400, "more than one Content-Length\n"), false;
  }
  if (codings != 0) {
    if (request_.version == 10 || lengths != 0) {
      return refuse(400, "Transfer-Encoding is not allowed here\n"), false;
    }
    if (codings > 1 || !equal_ignoring_case(request_.header("Transfer-Encoding"), "chunked")) {
      return refuse(501, "transfer coding is not supported, send chunked\n"), false;
    }
  }
  keep_alive_ = beast_->parser.get().keep_alive();
  expects_continue_ =
      request_.version == 11 && equal_ignoring_case(request_.header("Expect"), "100-continue");
  return true;
}

// A path, or in absolute form, of which the host is what counts, whatever Host says (RFC 9112 3.2.2).
bool HttpParser::accept_target(std::string_view target) {
  if (target.find('#') != target.npos) return refuse(400, "request target has a fragment\n"), false;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!equal_ignoring_case(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const std::string_view host = target.substr(0, target.find_first_of("/?"));
    if (host.empty() || host.find('@') != host.npos)
      return refuse(400, "request target names no host, or a user\n"), false;
    target.remove_prefix(host.size());
    const auto is_host = [](const HttpHeader& h) { return equal_ignoring_case(h.name, "Host"); };
    std::erase_if(request_.headers, is_host);
    request_.headers.push_back({"Host", std::string(host)});
    request_.path.assign(1, '/');  // when it has none
    break;
  }
  if (request_.path.empty() && !target.starts_with('/'))
    return refuse(400, "request target is not a path\n"), false;
  const size_t question = std::min(target.find('?'), target.size());
  if (question != 0) request_.path = target.substr(0, question);
  request_.query = target.substr(std::min(question + 1, target.size()));
  return true;
}

void HttpParser::feed_body() {
  auto& parser = beast_->parser;
  boost::beast::error_code error;
  size_t used = 0;
  // Beast 1.81 asserts that it has all of "0\r\n\r\n" when it is asked again about a last chunk whose end it missed.
  const size_t least = last_chunk_cut_ ? 5 : 1;
  while (!parser.is_done() && buffer_.size() - used >= least) {
    const size_t n = parser.put(boost::asio::buffer(buffer_.data() + used, buffer_.size() - used), error);
    used += n;
    last_chunk_cut_ = false;
    if (error == http::error::need_more) {
      // More is needed although the line with the size is whole: the size was 0.
      const std::string_view rest = std::string_view(buffer_).substr(used);
      last_chunk_cut_ = rest.find('\n', rest.starts_with("\r\n") ? 2 : 0) != std::string_view::npos;
      break;
    }
    if (error) {
      refuse(error == http::error::body_limit ? 413 : 400, error.message() + "\n");
      return;
    }
    if (n == 0) break;
  }
  buffer_.erase(0, used);
  if (!parser.is_done()) {
    if (buffer_.size() > kMaxChunkHeaderBytes) refuse(400, "chunk header too long\n");
    return;
  }
  request_.body = std::move(parser.get().body());
  state_ = State::kComplete;
}

HttpParser::State HttpParser::refuse(unsigned status, std::string why) {
  refusal_ = HttpResponse::text(status, std::move(why));
  refusal_.close = true;
  buffer_.clear();
  return state_ = State::kRefused;
}

}  // namespace lcg::net
