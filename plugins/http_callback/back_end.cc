// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/back_end.h"

#include <algorithm>

#include "plugins/http_callback/post_op.h"

namespace lcg::http_callback {
namespace {

using Error = HttpResult::Error;

// Before the attempts after the first, with jitter of as much again.
constexpr uint32_t kRetryDelayMs = 20;

}  // namespace

bool BackEnd::counts_as_failure(const HttpResult& result) {
  return result.error != Error::kNone || result.status >= 500;
}

void BackEnd::learn(const HttpResult& result) {
  // Full queues and cancellations are ours, not the back end's.
  if (result.error == Error::kBusy || result.error == Error::kCancelled) return breaker_.abandoned();
  if (!counts_as_failure(result)) {
    if (breaker_.succeeded()) host_.info("back end answers again backend=" + settings_.name);
    return;
  }
  if (breaker_.failed(host_.now_ns()))
    host_.warn("back end is not asked for a while backend=" + settings_.name +
               " reason=" + (result.what.empty() ? "status " + std::to_string(result.status) : result.what));
}

Task<HttpResult> BackEnd::ask(std::string body, std::vector<std::string> headers, bool repeatable) {
  HttpResult result;
  if (!breaker_.admit(host_.now_ns())) {
    result.error = Error::kBusy;
    result.what = "the circuit breaker is open";
    co_return result;
  }
  const int64_t deadline_ns = host_.now_ns() + std::chrono::nanoseconds(settings_.timeout).count();
  for (uint32_t attempt = 0;; ++attempt) {
    HttpRequest request;
    request.origin = settings_.origin;
    request.url = settings_.endpoint;
    request.headers = headers;
    request.body = body;
    request.timeout =
        std::chrono::milliseconds(std::max<int64_t>((deadline_ns - host_.now_ns()) / 1'000'000, 1));
    request.repeatable = repeatable;
    result = co_await PostOp(host_, &poster_, std::move(request));
    const bool broken = result.error == Error::kConnect || (result.error == Error::kBroken && repeatable);
    if (!broken || (result.sent && !repeatable) || attempt >= settings_.retries) break;
    const uint32_t delay_ms = kRetryDelayMs + static_cast<uint32_t>(host_.random_u64() % kRetryDelayMs);
    if (host_.now_ns() + int64_t{delay_ms} * 1'000'000 >= deadline_ns) break;
    const lcg_status slept = co_await host_.sleep(delay_ms);
    if (slept != LCG_OK) break;
  }
  learn(result);
  co_return result;
}

}  // namespace lcg::http_callback
