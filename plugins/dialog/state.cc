// SPDX-License-Identifier: Apache-2.0
#include "state.h"

#include <algorithm>

#include "lcg/services/storage_wire.hpp"

namespace lcg::dialog {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::kMember:
      return "member";
    case Role::kAdmin:
      return "admin";
    case Role::kOwner:
      return "owner";
  }
  return "";
}

std::string encode(const Meta& m) {
  return wire::Writer()
      .boolean(m.direct)
      .boolean(m.open)
      .boolean(m.history_all)
      .boolean(m.large)
      .str(m.title)
      .str(m.creator)
      .str(m.epoch)
      .u64(static_cast<uint64_t>(m.created_ms))
      .u64(m.member_count)
      .u64(m.owner_count)
      .u64(m.banned_count)
      .u64(m.former_count)
      .boolean(m.forgetful)
      .str(m.avatar)
      .u64(m.ended)
      .take();
}

bool decode(std::string_view data, Meta& m) {
  wire::Reader r(data);
  m.direct = r.boolean();
  m.open = r.boolean();
  m.history_all = r.boolean();
  m.large = r.boolean();
  m.title = r.str();
  m.creator = r.str();
  m.epoch = r.str();
  m.created_ms = static_cast<int64_t>(r.u64());
  m.member_count = r.u64();
  m.owner_count = r.u64();
  if (!r.ok() || r.at_end()) return r.ok();  // as written before these were counted
  m.banned_count = r.u64();
  m.former_count = r.u64();
  m.forgetful = r.boolean();
  if (!r.ok() || r.at_end()) return r.ok();
  m.avatar = r.str();
  m.ended = r.u64();
  return r.ok();
}

std::string encode(const Member& m) {
  wire::Writer w;
  w.u64(static_cast<uint64_t>(m.role)).u64(static_cast<uint64_t>(m.standing)).u64(m.windows.size());
  for (const Window& window : m.windows) w.u64(window.from).u64(window.to);
  w.u64(static_cast<uint64_t>(m.muted_until_ms)).u64(m.version).u64(m.last_useq).u64(m.last_dseq);
  return w.str(m.by).u64(m.read).take();
}

bool decode(std::string_view data, Member& m) {
  wire::Reader r(data);
  const uint64_t role = r.u64(), standing = r.u64();
  m.role = static_cast<Role>(role);
  m.standing = static_cast<Standing>(standing);
  m.windows.clear();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    Window window;
    window.from = r.u64();
    window.to = r.u64();
    m.windows.push_back(window);
  }
  m.muted_until_ms = static_cast<int64_t>(r.u64());
  m.version = r.u64();
  m.last_useq = r.u64();
  m.last_dseq = r.u64();
  m.by = r.at_end() ? std::string_view() : r.str();
  m.read = r.at_end() ? 0 : r.u64();  // as written before it was kept here
  return r.ok() && role <= 2 && standing <= 2;
}

bool decode(std::string_view data, const Meta& meta, Member& m) {
  if (!decode(data, m)) return false;
  end_with(meta, m);
  return true;
}

void end_with(const Meta& meta, Member& member) {
  if (meta.ended == 0 || !member.in()) return;
  member.windows.back().to = meta.ended;
  member.standing = Standing::kOut;
  member.role = Role::kMember;
  member.version = meta.ended;
}

std::string encode(const Lane& l) {
  return wire::Writer().u64(l.epoch).u64(l.last_cseq).u64(l.last_dseq).take();
}

bool decode(std::string_view data, Lane& l) {
  wire::Reader r(data);
  l.epoch = r.u64();
  l.last_cseq = r.u64();
  l.last_dseq = r.u64();
  return r.ok();
}

std::string lane_key(std::string_view user, std::string_view device) {
  std::string key(user);
  key += '\0';
  key += device;
  return key;
}

std::string former_key(std::string_view user, const Member& member) {
  std::string key(1, member.muted_until_ms != 0 ? '1' : '0');
  return key.append(storage::key_u64(member.version)).append(user);
}

bool decode_former(std::string_view key, Former& out) {
  constexpr size_t kHead = 1 + sizeof(uint64_t);
  if (key.size() <= kHead) return false;
  out.key = key;
  out.version = storage::u64_of_key(key.substr(1, sizeof(uint64_t)));
  out.user = key.substr(kHead);
  return true;
}

std::vector<Window> readable(const Meta& meta, const Member& member, uint64_t from, uint64_t to) {
  std::vector<Window> out;
  if (member.windows.empty() || member.standing == Standing::kBanned) return out;
  const auto clip = [&](uint64_t first, uint64_t last) {
    first = std::max(first, from);
    last = last == 0 ? to : std::min(last, to);
    if (first <= last) out.push_back({first, last});
  };
  if (meta.history_all) {
    clip(1, member.windows.back().to);
  } else {
    for (const Window& w : member.windows) clip(w.from, w.to);
  }
  return out;
}

bool may_read(const Meta& meta, const Member& member, uint64_t dseq) {
  return !readable(meta, member, dseq, dseq).empty();
}

}  // namespace lcg::dialog
