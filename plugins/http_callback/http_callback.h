// SPDX-License-Identifier: Apache-2.0
// HttpCallback: the plugin's class, apart from its entry point so that a test can give it another Poster.
#pragma once
#include <memory>
#include <utility>

#include "lcg/plugin.hpp"
#include "plugins/http_callback/callbacks.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

class HttpCallback {
 public:
  HttpCallback(Host host, std::shared_ptr<Poster> poster)
      : settings_(Settings::from(host)), poster_(std::move(poster)), callbacks_(host, *poster_, settings_) {}

  Task<Reply> on_connect(Request request) { return callbacks_.connect(std::move(request)); }
  Task<Reply> on_refresh(Request request) { return callbacks_.refresh(std::move(request)); }
  Task<Reply> on_subscribe(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_sub_refresh(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_publish(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_rpc(Request request) { return callbacks_.rpc(std::move(request)); }

 private:
  const Settings settings_;
  const std::shared_ptr<Poster> poster_;
  Callbacks callbacks_;
};

}  // namespace lcg::http_callback
