// SPDX-License-Identifier: Apache-2.0
// Throws wherever it can; the wrapper keeps every exception inside.
#include <stdexcept>
#include <string>

#include "lcg/plugin.hpp"

class Throws {
 public:
  explicit Throws(lcg::Host host) : host_(host), where_(host.config("where", "")) { maybe("create"); }
  lcg::Task<lcg::Reply> start() {
    maybe("start");
    co_return lcg::Reply();
  }
  lcg::Task<> stop() {
    maybe("stop");
    co_return;
  }
  lcg::Task<lcg::Reply> on_rpc(lcg::Request request) {
    if (request.name == "int") throw 42;
    if (request.name == "background") {
      host_.spawn(background());
      co_return lcg::Reply();
    }
    throw std::runtime_error("the reason is for the log only");
  }
  // Not a coroutine: throws before there is one.
  lcg::Task<lcg::Reply> on_publish(lcg::Request) { throw std::runtime_error("before the first await"); }
  void on_disconnect(lcg::Peer, uint32_t) { throw std::runtime_error("on_disconnect"); }

 private:
  lcg::Task<> background() {
    co_await host_.yield();
    throw std::runtime_error("in the background");
  }
  void maybe(const std::string& place) const {
    if (where_ == place) throw std::runtime_error("thrown in " + place);
  }
  lcg::Host host_;
  std::string where_;
};

LCG_PLUGIN(Throws, "bad_throws", "1.0.0", "Apache-2.0")
