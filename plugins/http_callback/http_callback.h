// SPDX-License-Identifier: Apache-2.0
// HttpCallback: the plugin's class, apart from its entry point so that a test can give it another Poster.
#pragma once
#include <chrono>
#include <memory>
#include <utility>

#include "lcg/plugin.hpp"
#include "lcg/timer.hpp"
#include "lcg/wire.hpp"
#include "plugins/http_callback/callbacks.h"
#include "plugins/http_callback/event_log.h"
#include "plugins/http_callback/event_pump.h"
#include "plugins/http_callback/message_feed.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

class HttpCallback {
 public:
  HttpCallback(Host host, std::shared_ptr<Poster> poster)
      : settings_(Settings::from(host)),
        poster_(std::move(poster)),
        callbacks_(host, *poster_, settings_),
        log_(host, settings_.events),
        feed_(host, settings_.events),
        pump_(host, *poster_, settings_, log_, feed_),
        housekeeping_(host) {
    if (wants_events()) storage::required(host);
    log_.on_news([this](uint32_t slot) { pump_.news(slot); });
    feed_.on_news([this](uint32_t slot) { pump_.news(slot); });
  }

  Task<Reply> start() {
    if (wants_events()) housekeeping_.every(std::chrono::seconds(1), [this] { feed_.rest(); });
    co_return Reply();
  }

  Task<Reply> on_connect(Request request) { return callbacks_.connect(std::move(request)); }
  Task<Reply> on_refresh(Request request) { return callbacks_.refresh(std::move(request)); }
  Task<Reply> on_subscribe(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_sub_refresh(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_publish(Request request) { return callbacks_.by_route(std::move(request)); }
  Task<Reply> on_rpc(Request request) { return callbacks_.rpc(std::move(request)); }

  Task<Reply> before_commit(Commit commit) { return callbacks_.before_commit(std::move(commit)); }
  bool wants_commits() const { return !settings_.before_commit.empty(); }

  bool wants_events() const { return !settings_.events.back_end.empty(); }

  Task<Reply> on_event(ClientEvent event) {
    const lcg_status kept = co_await log_.append(event.slot, doc_of(event));
    co_return kept == LCG_OK ? Reply() : Reply::error(kept, "the event is not stored");
  }

  void on_slot(uint32_t slot, uint64_t, bool owned) {
    if (!wants_events()) return;
    pump_.lost(slot);
    owned ? log_.gained(slot) : log_.lost(slot);
    owned ? feed_.gained(slot) : feed_.lost(slot);
  }

  // The service "events" (lcg/services/events.hpp).
  Task<Reply> on_call(ServiceCall call) {
    if (!wants_events()) return answer(Reply::error(LCG_E_UNAVAILABLE, "events.backend is not set"));
    if (call.method == "moved") return answer(feed_.moved(call.key));
    wire::Reader r(call.data);
    const uint64_t head = r.u64();
    if (call.method == "mark" && r.ok()) return feed_.mark(std::move(call.key), head);
    return answer(Reply::error(LCG_E_UNSUPPORTED, "events: no method " + call.method));
  }

 private:
  static Task<Reply> answer(Reply reply) { co_return reply; }

  const Settings settings_;
  const std::shared_ptr<Poster> poster_;
  Callbacks callbacks_;
  EventLog log_;
  MessageFeed feed_;
  EventPump pump_;
  Timer housekeeping_;
};

}  // namespace lcg::http_callback
