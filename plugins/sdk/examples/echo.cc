// SPDX-License-Identifier: Apache-2.0
#include "lcg/plugin.hpp"

// Answers the rpc "echo" with its own data. A whole plugin.
class Echo {
 public:
  explicit Echo(lcg::Host host) : prefix_(host.config("prefix", "")) {}

  lcg::Task<lcg::Reply> on_rpc(lcg::Request request) {
    if (request.name != "echo") co_return lcg::Reply::defer();
    co_return lcg::Reply::with(prefix_ + std::move(request.data));
  }

 private:
  std::string prefix_;
};

LCG_PLUGIN(Echo, "echo", "1.0.0", "Apache-2.0")
