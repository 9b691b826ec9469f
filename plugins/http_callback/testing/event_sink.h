// SPDX-License-Identifier: Apache-2.0
// EventSink: a back end that takes events, and remembers every one it was sent.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/json.hpp"
#include "plugins/http_callback/testing/scripted_poster.h"

namespace lcg::http_callback::testing {

struct SunkEvent {
  std::string id, type, key, json;
};

// The events of a body, in order.
inline std::vector<SunkEvent> events_of(const std::string& body) {
  std::vector<SunkEvent> out;
  json::Object batch;
  if (!json::Object::parse(body, batch)) return out;
  const std::string list = batch.raw("events");
  json::detail::Cursor cursor(list);
  cursor.take('[');
  while (!cursor.take(']')) {
    const char* const start = cursor.position();
    if (!cursor.value(0)) break;
    SunkEvent event;
    event.json.assign(start, cursor.position());
    json::Object object;
    json::Object::parse(event.json, object);
    event.id = object.text("id");
    event.type = object.text("type");
    event.key = object.text("key");
    out.push_back(std::move(event));
    cursor.take(',');
  }
  return out;
}

class EventSink {
 public:
  EventSink() { open(); }

  // Takes everything from now on.
  void open() {
    current_poster() = std::make_shared<ScriptedPoster>();
    current_poster()->script = [this](const HttpRequest& request) { return receive(request); };
  }
  // What is answered instead of 200; an Error for a back end that cannot be reached.
  HttpResult (*instead)(const HttpRequest&) = nullptr;

  // The first time each id was seen, in order.
  const std::vector<SunkEvent>& events() const { return events_; }
  std::vector<std::string> types() const {
    std::vector<std::string> out;
    for (const SunkEvent& event : events_) out.push_back(event.type);
    return out;
  }
  size_t posts() const { return bodies_.size(); }
  const std::vector<std::string>& bodies() const { return bodies_; }
  // An id that stood for two different events, or "".
  const std::string& contradiction() const { return contradiction_; }

 private:
  HttpResult receive(const HttpRequest& request) {
    bodies_.push_back(request.body);
    for (SunkEvent& event : events_of(request.body)) {
      const auto [seen, fresh] = by_id_.emplace(event.id, event.json);
      if (!fresh && seen->second != event.json)
        contradiction_ = event.id + ": " + seen->second + " and " + event.json;
      if (instead != nullptr || !taken_.emplace(event.id, true).second) continue;
      events_.push_back(std::move(event));
    }
    return instead != nullptr ? instead(request) : ScriptedPoster::ok("{}");
  }

  std::vector<SunkEvent> events_;  // taken
  std::vector<std::string> bodies_;
  std::map<std::string, std::string> by_id_;
  std::map<std::string, bool> taken_;
  std::string contradiction_;
};

}  // namespace lcg::http_callback::testing
