// SPDX-License-Identifier: Apache-2.0
// events.hpp: typed client of the service "events": whoever delivers what is committed to a log, from the log itself.
//
// The owner of a log (the dialog plugin) says that a log may grow before it grows, and that it has grown afterwards;
// the deliverer reads it by the service "dialog" (feed), and both agree when a log is at rest again (feed_rest). So a
// log at rest costs nothing, and a crash anywhere leaves either nothing to deliver or a mark that there may be.
#pragma once
#include <string>
#include <utility>

#include "lcg/host.hpp"
#include "lcg/wire.hpp"

namespace lcg::events {

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // LCG_OK: entries of `dialog` after `head` will be delivered, whatever happens. Await before the first entry after
  // a rest. The mark is stored without a sync of its own: the durable entry that follows covers it.
  Task<Reply> mark(std::string dialog, uint64_t head) const {
    std::string data = wire::Writer().u64(head).take();
    co_return co_await host_.call({"events", "mark", std::move(dialog), std::move(data)});
  }
  // There are new entries. Losing it delays them by seconds.
  Task<Reply> moved(std::string dialog) const {
    co_return co_await host_.call({"events", "moved", std::move(dialog), ""});
  }

 private:
  Host host_;
};

}  // namespace lcg::events
