// SPDX-License-Identifier: Apache-2.0
// PostOp: a Poster's request as something to co_await. Resolves on the instance's lane to an HttpResult; at stop
// with kCancelled. Its coroutine may be destroyed at any time: what arrives later is dropped.
#pragma once
#include <coroutine>
#include <memory>
#include <mutex>
#include <utility>

#include "lcg/detail/core.hpp"
#include "lcg/host.hpp"
#include "plugins/http_callback/http.h"

namespace lcg::http_callback {

class [[nodiscard]] PostOp final : public lcg::detail::Cancellable {
 public:
  PostOp(Host host, Poster* poster, HttpRequest request)
      : core_(host.core()), poster_(poster), request_(std::move(request)) {}
  PostOp(const PostOp&) = delete;
  PostOp& operator=(const PostOp&) = delete;
  ~PostOp() {
    if (!exchange_) return;
    {
      const std::lock_guard lock(exchange_->mutex);
      exchange_->op = nullptr;
      exchange_->core = nullptr;
    }
    if (!arrived_) poster_->cancel(id_);
  }

  bool await_ready() noexcept {
    if (!core_->stopping()) return false;
    result_.error = HttpResult::Error::kCancelled;
    return true;
  }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    exchange_ = std::make_shared<Exchange>();
    exchange_->op = this;
    exchange_->core = core_;
    core_->add(*this);
    id_ = poster_->start(std::move(request_), [exchange = exchange_](HttpResult result) {
      const std::lock_guard lock(exchange->mutex);
      if (exchange->core == nullptr) return;
      exchange->core->post([exchange, result = std::move(result)] {
        if (exchange->op != nullptr) exchange->op->arrive(result);
      });
    });
  }
  HttpResult await_resume() noexcept { return std::move(result_); }

 private:
  // Between the lane and the poster's thread. `op` is the lane's alone.
  struct Exchange {
    std::mutex mutex;
    lcg::detail::Core* core = nullptr;
    PostOp* op = nullptr;
  };

  void arrive(const HttpResult& result) {
    unlink();
    arrived_ = true;
    result_ = result;
    handle_.resume();
  }
  void on_stop() noexcept override { poster_->cancel(id_); }

  lcg::detail::Core* const core_;
  Poster* const poster_;
  HttpRequest request_;
  HttpResult result_;
  std::coroutine_handle<> handle_;
  std::shared_ptr<Exchange> exchange_;
  uint64_t id_ = 0;
  bool arrived_ = false;
};

}  // namespace lcg::http_callback
