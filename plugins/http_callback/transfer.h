// SPDX-License-Identifier: Apache-2.0
// Transfer: one request on a curl easy handle: its options, what it collects, what became of it. Thread: the HTTP
// client's.
#pragma once
#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>

#include "plugins/http_callback/http.h"

namespace lcg::http_callback {

using Clock = std::chrono::steady_clock;

struct CurlDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using EasyPtr = std::unique_ptr<CURL, CurlDeleter>;

class Transfer {
 public:
  Transfer(uint64_t id, HttpRequest request, Poster::Done done);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  uint64_t id() const { return id_; }
  const Origin& origin() const { return *request_.origin; }
  Clock::time_point deadline() const { return deadline_; }
  CURL* easy() const { return easy_.get(); }

  // Sets `easy` up for this request; REQUIRES: `easy` is new or reset. False: an option was not taken, error() says
  // which.
  bool prepare(EasyPtr easy);
  EasyPtr release() { return std::move(easy_); }
  // Calls done with what curl says it came to.
  void finish(CURLcode code);
  // Calls done without having been on its way.
  void finish(HttpResult::Error error, std::string what);
  // The last answer came over HTTP/2.
  bool used_http2() const;

 private:
  static size_t on_body(char* data, size_t size, size_t count, void* self);
  static size_t on_header(char* data, size_t size, size_t count, void* self);
  static size_t on_read(char* data, size_t size, size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  HttpResult::Error error_of(CURLcode code, bool sent) const;
  bool set_body();
  bool set_tls();

  const uint64_t id_;
  HttpRequest request_;
  const Poster::Done done_;
  const Clock::time_point deadline_;
  EasyPtr easy_;
  std::unique_ptr<curl_slist, CurlDeleter> headers_, connect_to_;
  std::string url_;
  HttpResult result_;
  size_t read_ = 0;  // of the body, when it is not repeatable
  size_t header_bytes_ = 0;
  bool too_large_ = false;
  std::string denied_;  // the address that was refused
  char text_[CURL_ERROR_SIZE] = "";
};

}  // namespace lcg::http_callback
