// SPDX-License-Identifier: Apache-2.0
// user_names.hpp: typed client of the service "user" for an authority that registers users: whether a new user may be
// called so. The service keeps what every id and shown name is read as (plugins/user/README.md, "Names").
#pragma once
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "lcg/wire.hpp"

namespace lcg::user {

// A user who is registered.
struct Naming {
  std::string user;   // id, with its prefix
  std::string bare;   // the id without it: what people know the user by
  std::string shown;  // the display name, or empty
};

inline std::string encode(const Naming& n) { return wire::Writer().str(n.bare).str(n.shown).take(); }
inline bool decode(std::string_view data, Naming& out) {
  wire::Reader r(data);
  out.bare = r.str();
  out.shown = r.str();
  return r.ok();
}

// Lane: the instance's.
class Names {
 public:
  explicit Names(Host host) : host_(host) {}

  // LCG_E_CONFLICT: another user shows a name that reads like the id; LCG_E_INVALID: `shown` reads like another's id.
  Task<Reply> check(Naming naming) const { return ask("check_name", std::move(naming)); }
  // The same, and from then on nobody else may show it. REQUIRES: what the caller keeps of the id is written.
  Task<Reply> take(Naming naming) const { return ask("take_name", std::move(naming)); }
  // The user was not registered after all.
  Task<Reply> release(Naming naming) const { return ask("release_name", std::move(naming)); }

 private:
  Task<Reply> ask(std::string method, Naming naming) const {
    std::string data = encode(naming);
    Call call("user", std::move(method), std::move(naming.user), std::move(data));
    co_return co_await host_.call(std::move(call));
  }

  Host host_;
};

}  // namespace lcg::user
