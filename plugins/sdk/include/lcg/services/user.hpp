// SPDX-License-Identifier: Apache-2.0
// user.hpp: typed client of the service "user": profiles and who has blocked whom.
//
// The partition key of every call is the user it is about (of block_check: the first). Reads never say
// whether a user has an account: somebody without a profile is a profile that holds the user's id alone.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "lcg/visible.hpp"
#include "lcg/wire.hpp"

namespace lcg::user {

inline constexpr size_t kMaxUserBytes = 255;  // the broker's limit of an id that logs in
inline constexpr size_t kMaxNameBytes = 256, kMaxAboutBytes = 1024, kMaxAvatarBytes = 1024;
inline constexpr size_t kMaxDataBytes = 4u << 10, kMaxPrivateBytes = 16u << 10;
inline constexpr size_t kMaxBlocks = 1000;  // per user
inline constexpr uint32_t kMaxFound = 20;   // of one search

struct Profile {
  std::string user;
  std::string name;           // shown to others; without a profile the user's id
  std::string about, avatar;  // text; where to find a picture
  std::string data;           // a JSON value for everybody, or empty
  std::string private_data;   // a JSON value for the user alone, or empty
  uint64_t version = 0;       // grows with each change; 0: no profile
  int64_t updated_ms = 0;     // Unix ms
};

struct Blocks {
  bool first_blocks_second = false, second_blocks_first = false;
  bool any() const { return first_blocks_second || second_blocks_first; }
};

// The broker's rule of who may log in (lcg/visible.hpp), so that everybody who may act has a profile and can be blocked:
// 1 to 255 bytes of visible text.
bool is_user_id(std::string_view user);

std::string encode(const Profile& profile);
bool decode(std::string_view data, Profile& out);

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // private_data included: do not hand it to another user. LCG_E_INVALID: not a user id.
  Task<Outcome<Profile>> get(std::string user) const;
  // Of any two keys of at most kMaxUserBytes: who is no user id has blocked nobody.
  Task<Outcome<Blocks>> block_check(std::string first, std::string second) const;

 private:
  Host host_;
};

// --- implementation ------------------------------------------------------------------------------

inline bool is_user_id(std::string_view user) {
  return !user.empty() && user.size() <= kMaxUserBytes && all_visible(user);
}

inline std::string encode(const Profile& p) {
  wire::Writer w;
  w.str(p.user).str(p.name).str(p.about).str(p.avatar).str(p.data).str(p.private_data);
  return w.u64(p.version).u64(static_cast<uint64_t>(p.updated_ms)).take();
}

inline bool decode(std::string_view data, Profile& out) {
  wire::Reader r(data);
  out.user = r.str();
  out.name = r.str();
  out.about = r.str();
  out.avatar = r.str();
  out.data = r.str();
  out.private_data = r.str();
  out.version = r.u64();
  out.updated_ms = static_cast<int64_t>(r.u64());
  return r.ok();
}

inline Task<Outcome<Profile>> Client::get(std::string user) const {
  Call call("user", "get", std::move(user), wire::Writer().take());
  Reply reply = co_await host_.call(std::move(call));
  Outcome<Profile> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

inline Task<Outcome<Blocks>> Client::block_check(std::string first, std::string second) const {
  std::string data = wire::Writer().str(second).take();
  Call call("user", "block_check", std::move(first), std::move(data));
  Reply reply = co_await host_.call(std::move(call));
  Outcome<Blocks> out{reply.status, reply.message, {}};
  wire::Reader r(reply.data);
  if (!out.ok()) co_return out;
  out.value.first_blocks_second = r.boolean();
  out.value.second_blocks_first = r.boolean();
  if (!r.ok()) out.status = LCG_E_INTERNAL;
  co_return out;
}

}  // namespace lcg::user
