// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/transfer.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugins/http_callback/own_listener.h"

namespace lcg::http_callback {
namespace {

constexpr long kIdleSeconds = 60;  // a kept-alive connection that idled longer is not used again

// "https://host:port/path" with another host; "" when the URL cannot be read.
struct Renamed {
  std::string url, connect_to, host;
};
Renamed rename_host(const std::string& url, const std::string& name) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  char *host = nullptr, *port = nullptr, *whole = nullptr;
  Renamed out;
  if (curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
      curl_url_set(parsed.get(), CURLUPART_HOST, name.c_str(), 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_URL, &whole, 0) == CURLUE_OK) {
    out.url = whole;
    out.connect_to = name + ":" + port + ":" + host + ":" + port;
    out.host = std::string(host) + ":" + port;
  }
  curl_free(host);
  curl_free(port);
  curl_free(whole);
  return out;
}

}  // namespace

Transfer::Transfer(uint64_t id, HttpRequest request, Poster::Done done)
    : id_(id),
      request_(std::move(request)),
      done_(std::move(done)),
      deadline_(Clock::now() + request_.timeout) {}

bool Transfer::prepare(EasyPtr easy) {
  easy_ = std::move(easy);
  CURL* const c = easy_.get();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
  url_ = request_.url;
  bool ok = true;
  const auto set = [c, &ok](CURLoption option, auto value) {
    ok = ok && curl_easy_setopt(c, option, value) == CURLE_OK;
  };
  set(CURLOPT_ERRORBUFFER, text_);
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_PIPEWAIT, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_MAXAGE_CONN, kIdleSeconds);
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<long>(left, 1)));
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request_.max_response));
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  ok = ok && set_tls() && set_body();
  set(CURLOPT_URL, url_.c_str());
  return ok;
}

bool Transfer::set_tls() {
  CURL* const c = easy_.get();
  const Origin& o = origin();
  bool ok = curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
            curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
            curl_easy_setopt(c, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2)) == CURLE_OK;
  if (!o.ca.empty()) {
    ok = ok && curl_easy_setopt(c, CURLOPT_CAINFO, o.ca.c_str()) == CURLE_OK &&
         curl_easy_setopt(c, CURLOPT_CAPATH, nullptr) == CURLE_OK;
  }
  if (!o.cert.empty()) ok = ok && curl_easy_setopt(c, CURLOPT_SSLCERT, o.cert.c_str()) == CURLE_OK;
  if (!o.key.empty()) ok = ok && curl_easy_setopt(c, CURLOPT_SSLKEY, o.key.c_str()) == CURLE_OK;
  if (o.server_name.empty()) return ok;
  // The certificate is checked against the URL's host: name it there, and connect to where the URL said.
  const Renamed renamed = rename_host(request_.url, o.server_name);
  url_ = renamed.url;
  connect_to_.reset(curl_slist_append(nullptr, renamed.connect_to.c_str()));
  request_.headers.push_back("Host: " + renamed.host);
  return ok && !url_.empty() && curl_easy_setopt(c, CURLOPT_CONNECT_TO, connect_to_.get()) == CURLE_OK;
}

bool Transfer::set_body() {
  CURL* const c = easy_.get();
  request_.headers.emplace_back("Expect:");  // curl's own; it would cost a round trip
  for (const std::string& header : request_.headers)
    headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
  bool ok = curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers_.get()) == CURLE_OK &&
            curl_easy_setopt(c, CURLOPT_POST, 1L) == CURLE_OK &&
            curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size())) ==
                CURLE_OK;
  if (request_.repeatable)
    return ok && curl_easy_setopt(c, CURLOPT_POSTFIELDS, request_.body.data()) == CURLE_OK;
  // Without a way to rewind, curl cannot send a body a second time after a kept-alive connection broke.
  return ok && curl_easy_setopt(c, CURLOPT_READFUNCTION, &Transfer::on_read) == CURLE_OK &&
         curl_easy_setopt(c, CURLOPT_READDATA, static_cast<void*>(this)) == CURLE_OK;
}

size_t Transfer::on_body(char* data, size_t size, size_t count, void* user) {
  auto* self = static_cast<Transfer*>(user);
  const size_t bytes = size * count;
  if (bytes > self->request_.max_response - self->result_.body.size()) {
    self->too_large_ = true;
    return 0;  // not what came: curl ends the transfer and closes the connection
  }
  self->result_.body.append(data, bytes);
  return bytes;
}

size_t Transfer::on_header(char*, size_t size, size_t count, void* user) {
  auto* self = static_cast<Transfer*>(user);
  self->header_bytes_ += size * count;
  if (self->header_bytes_ <= kMaxResponseHeaders) return size * count;
  self->too_large_ = true;
  return 0;
}

size_t Transfer::on_read(char* data, size_t size, size_t count, void* user) {
  auto* self = static_cast<Transfer*>(user);
  const size_t bytes = std::min(size * count, self->request_.body.size() - self->read_);
  std::copy_n(self->request_.body.data() + self->read_, bytes, data);
  self->read_ += bytes;
  return bytes;
}

curl_socket_t Transfer::on_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto* self = static_cast<Transfer*>(user);
  const std::optional<net::Endpoint> endpoint = net::endpoint_of(address->addr);
  if (!endpoint || !self->origin().addresses.allows(*endpoint)) {
    self->denied_ = (endpoint ? to_text(*endpoint) : std::string("the address")) + " is not allowed";
    return CURL_SOCKET_BAD;
  }
  if (!self->origin().addresses.lists(*endpoint) && is_own_listener(address->addr)) {
    self->denied_ = to_text(*endpoint) + " is a listener of this server";
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

HttpResult::Error Transfer::error_of(CURLcode code, bool sent) const {
  using Error = HttpResult::Error;
  if (code == CURLE_OK) return Error::kNone;
  if (too_large_ || code == CURLE_FILESIZE_EXCEEDED) return Error::kTooLarge;
  if (code == CURLE_OPERATION_TIMEDOUT) return Error::kTimeout;
  return sent ? Error::kBroken : Error::kConnect;
}

void Transfer::finish(CURLcode code) {
  long request_bytes = 0;
  curl_off_t body_bytes = 0;
  curl_easy_getinfo(easy(), CURLINFO_REQUEST_SIZE, &request_bytes);
  curl_easy_getinfo(easy(), CURLINFO_SIZE_UPLOAD_T, &body_bytes);
  result_.sent = request_bytes > 0 || body_bytes > 0;
  result_.error = error_of(code, result_.sent);
  if (result_.error == HttpResult::Error::kNone) {
    curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &result_.status);
  } else {
    result_.body.clear();
    result_.what = !denied_.empty() ? denied_ : too_large_ ? "the answer is too large" : text_;
    if (result_.what.empty()) result_.what = curl_easy_strerror(code);
  }
  done_(std::move(result_));
}

void Transfer::finish(HttpResult::Error error, std::string what) {
  HttpResult out;
  out.error = error;
  out.what = std::move(what);
  if (easy_) {
    long request_bytes = 0;
    curl_easy_getinfo(easy(), CURLINFO_REQUEST_SIZE, &request_bytes);
    out.sent = request_bytes > 0;
  }
  done_(std::move(out));
}

bool Transfer::used_http2() const {
  long version = 0;
  return curl_easy_getinfo(easy(), CURLINFO_HTTP_VERSION, &version) == CURLE_OK &&
         version == CURL_HTTP_VERSION_2;
}

}  // namespace lcg::http_callback
