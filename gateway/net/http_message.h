// HttpRequest, HttpResponse, HttpResponder: HTTP as its handlers see it; plain values, no library's types.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/client_address.h"
#include "base/function.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::net {

struct HttpHeader {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method;     // "GET"
  std::string path;       // as sent, not decoded: "/rpc/echo"
  std::string query;      // as sent, without "?"
  unsigned version = 11;  // 10 or 11
  std::vector<HttpHeader> headers;
  std::string body;
  ClientAddress remote_address;  // where a trusted proxy tells it, the client's behind it
  bool internal = false;         // it came in by an internal listener
  bool local = false;            // the other end of the socket is this host, and no trusted proxy
  bool known_host = false;  // Host is none that a page could have had turned to point here (HostList::knows)

  // The first header of that name, in any case; "" if there is none.
  std::string_view header(std::string_view name) const;
  size_t count(std::string_view name) const;
  // Is `token` in the comma-separated lists of all headers of that name, in any case, or exactly so?
  bool has_token(std::string_view name, std::string_view token, bool exactly = false) const;
  // Of "Authorization: Bearer <token>"; "" if it is anything else.
  std::string_view bearer_token() const;
  // The first value of `key` in the query, decoded; nothing if it is absent or its coding is broken.
  std::optional<std::string> query_value(std::string_view key) const;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<HttpHeader> headers;
  bool close = false;  // end the connection after it
  // Not null: a response without an end. Its head is sent, with Transfer-Encoding: chunked; then the stream is this
  // function's, to write the chunks to, on the connection's lane. `body` is not sent. A client of HTTP/1.0, which
  // knows no chunks, gets a 505 instead; HEAD gets the head.
  std::function<void(ws::StreamPtr)> stream{};

  static HttpResponse text(unsigned status, std::string body);
  static HttpResponse json(unsigned status, std::string body);
};

// Answers one request, once, at any later time on the lane of its connection. One that is destroyed unused
// answers 500; an answer to a client that is gone is dropped.
class HttpResponder {
 public:
  using Sink = UniqueFunction<void(HttpResponse)>;
  explicit HttpResponder(Sink sink) : sink_(std::move(sink)) {}
  HttpResponder(HttpResponder&& other) noexcept : sink_(std::exchange(other.sink_, nullptr)) {}
  HttpResponder& operator=(HttpResponder&&) = delete;
  ~HttpResponder();

  // A second call is ignored.
  void send(HttpResponse response);

 private:
  Sink sink_;
};

// "Not Found"; "" for a status without words here.
std::string_view status_text(unsigned status);

// The bytes of a response. Content-Length (or the coding of a stream), Date, Connection, X-Content-Type-Options: nosniff and, unless the
// response has its own, Cache-Control: no-store are added. A header with a control character in it would
// forge others: it makes the whole response a 500. `head_only`: for HEAD, without the body. `keep_alive`:
// whether the connection goes on.
std::string serialize(const HttpResponse& response, bool head_only, bool keep_alive, int64_t wall_ms);

bool equal_ignoring_case(std::string_view a, std::string_view b);

}  // namespace lcg::net
