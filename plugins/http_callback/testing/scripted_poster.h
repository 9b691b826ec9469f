// SPDX-License-Identifier: Apache-2.0
// ScriptedPoster: a back end in the same thread: a test says what it answers, or lets requests wait.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plugins/http_callback/http_callback.h"
#include "testing/fake_host.h"

namespace lcg::http_callback::testing {

class ScriptedPoster final : public Poster {
 public:
  using Script = std::function<HttpResult(const HttpRequest&)>;

  uint64_t start(HttpRequest request, Done done) override {
    const uint64_t id = next_id_++;
    requests.push_back(request);
    if (script) {
      done(script(request));
    } else {
      waiting_.emplace(id, std::move(done));
    }
    return id;
  }
  void cancel(uint64_t id) override {
    HttpResult result;
    result.error = HttpResult::Error::kCancelled;
    finish(id, std::move(result));
  }
  // Answers the oldest request that waits.
  void answer(HttpResult result) { finish(waiting_.begin()->first, std::move(result)); }
  size_t waiting() const { return waiting_.size(); }

  static HttpResult ok(std::string body) {
    HttpResult result;
    result.status = 200;
    result.sent = true;
    result.body = std::move(body);
    return result;
  }
  static HttpResult status(long code) {
    HttpResult result = ok("");
    result.status = code;
    return result;
  }
  static HttpResult failed(HttpResult::Error error, bool sent = false) {
    HttpResult result;
    result.error = error;
    result.sent = sent;
    result.what = "scripted";
    return result;
  }

  Script script;  // none: requests wait
  std::vector<HttpRequest> requests;

 private:
  void finish(uint64_t id, HttpResult result) {
    const auto it = waiting_.find(id);
    if (it == waiting_.end()) return;
    const Done done = std::move(it->second);
    waiting_.erase(it);
    done(std::move(result));
  }
  uint64_t next_id_ = 1;
  std::map<uint64_t, Done> waiting_;
};

// The poster of the next plugins that are loaded.
inline std::shared_ptr<ScriptedPoster>& current_poster() {
  static std::shared_ptr<ScriptedPoster> poster;
  return poster;
}

// The plugin as production has it, but for its back ends.
class TestPlugin : public HttpCallback {
 public:
  explicit TestPlugin(Host host) : HttpCallback(host, current_poster()) {}
};

inline const lcg_descriptor* test_descriptor() {
  static constexpr lcg_descriptor kDescriptor =
      describe<TestPlugin>("http_callback", "1.0.0", "Apache-2.0", "events");
  return &kDescriptor;
}

}  // namespace lcg::http_callback::testing
