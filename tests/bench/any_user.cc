// SPDX-License-Identifier: Apache-2.0
// Lets anyone in as the user that the token says, unchecked: so that a benchmark measures what it is about.
#include "lcg/plugin.hpp"

class AnyUser {
 public:
  explicit AnyUser(lcg::Host) {}

  lcg::Task<lcg::Reply> on_connect(lcg::Request request) {
    co_return lcg::Reply::user(std::move(request.credential));
  }
};

LCG_PLUGIN(AnyUser, "any_user", "1.0.0", "Apache-2.0")
