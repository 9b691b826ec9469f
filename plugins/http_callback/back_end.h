// SPDX-License-Identifier: Apache-2.0
// BackEnd: asks one back end: retries where that is safe, and the circuit breaker. Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "lcg/host.hpp"
#include "plugins/http_callback/breaker.h"
#include "plugins/http_callback/http.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

class BackEnd {
 public:
  BackEnd(Host host, Poster& poster, const BackEndSettings& settings)
      : host_(host), poster_(poster), settings_(settings), breaker_(settings.breaker) {}

  const BackEndSettings& settings() const { return settings_; }

  // POSTs `body`. An attempt that failed before a byte was sent is made again, up to BackEndSettings::retries
  // times within the timeout; one whose connection broke later only when the request is `repeatable`.
  // With an open breaker: kBusy at once.
  Task<HttpResult> ask(std::string body, std::vector<std::string> headers, bool repeatable);

 private:
  // Does it say that the back end is in trouble?
  static bool counts_as_failure(const HttpResult& result);
  void learn(const HttpResult& result);

  Host host_;
  Poster& poster_;
  const BackEndSettings& settings_;
  Breaker breaker_;
};

}  // namespace lcg::http_callback
