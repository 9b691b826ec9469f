// SPDX-License-Identifier: Apache-2.0
// HttpClient: the Poster of production: libcurl's multi interface on one thread for the whole process.
//
// Many clients' callbacks travel over a few kept-alive connections to each back end: at most
// Origin::max_connections over HTTP/1.1; over HTTP/2, which is used when TLS offers it, kStreams requests share a
// connection. What does not fit waits in order, its timeout running. http and https only, no redirect is
// followed, no proxy, cookie or .netrc is used, no compressed answer is asked for or unpacked. Addresses are
// checked as in lcg/net/address_policy.hpp; certificates are verified, always.
//
// A request that is not repeatable is never sent twice: when a kept-alive connection turns out to be closed, it
// goes on over a new one only if its body was not begun.
#pragma once
#include <memory>
#include <mutex>
#include <thread>

#include "plugins/http_callback/http.h"

namespace lcg::http_callback {

class HttpClient final : public Poster {
 public:
  // The process's one, made by the first who asks and ended with the last who holds it.
  static std::shared_ptr<HttpClient> shared();
  // Waits for its thread, which cancels what is under way.
  ~HttpClient() override;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  uint64_t start(HttpRequest request, Done done) override;
  void cancel(uint64_t id) override;

 private:
  class Loop;
  HttpClient();

  const std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace lcg::http_callback
