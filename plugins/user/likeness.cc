// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/likeness.h"

#include "lcg/provided.hpp"
#include "lcg/users.hpp"

namespace lcg::user {

using Kind = NameIndex::Kind;

Readings Likeness::ids_of(const std::string& user) const {
  Readings out = readings_of(user);
  const std::string bare = without_prefix(host_, user);
  if (bare.size() == user.size()) return out;
  for (std::string& reading : readings_of(bare))
    if (!contains(out, reading)) out.push_back(std::move(reading));
  return out;
}

Task<Reply> Likeness::registered(std::string user) const {
  if (!provided(host_, "uaa")) co_return Reply::error(LCG_E_UNSUPPORTED, "nobody provides uaa");
  co_return co_await uaa_.is_registered(std::move(user));
}

Task<Outcome<bool>> Likeness::counts(NameIndex::Row row) const {
  if (row.kind != Kind::kProfile && host_.wall_ms() - static_cast<int64_t>(row.stamp) < kClaimMs)
    co_return Outcome<bool>{LCG_OK, {}, true};
  if (row.kind != Kind::kAccount) {
    const Outcome<Profile> profile = co_await read_profile(storage_, row.user);
    if (!profile.ok()) co_return Outcome<bool>{profile.status, profile.message, false};
    const bool on_its_way = row.stamp > profile.value.version;
    if (row.kind == Kind::kProfile)
      co_return Outcome<bool>{
          LCG_OK, {}, on_its_way || contains(readings_of(own_name(profile.value)), row.reading)};
    if (profile.value.version > 0) co_return Outcome<bool>{LCG_OK, {}, true};
  }
  const Reply account = co_await registered(std::move(row.user));
  switch (account.status) {
    case LCG_E_NOT_FOUND:
      co_return Outcome<bool>{};
    case LCG_OK:
    case LCG_E_INVALID:  // another authority's
    case LCG_E_UNSUPPORTED:
      co_return Outcome<bool>{LCG_OK, {}, true};
    default:
      co_return Outcome<bool>{account.status, account.message, false};
  }
}

Task<Outcome<std::string>> Likeness::id_like(std::string user, Readings readings) const {
  Readings others = without(readings, ids_of(user));
  const auto rows = co_await index_.rows(Kind::kId, std::move(user), std::move(others));
  if (!rows.ok()) co_return Outcome<std::string>{rows.status, rows.message, {}};
  for (const NameIndex::Row& row : rows.value) {
    const Outcome<bool> counted = co_await counts(row);
    if (!counted.ok()) co_return Outcome<std::string>{counted.status, counted.message, {}};
    if (counted.value) co_return Outcome<std::string>{LCG_OK, {}, row.user};
  }
  co_return Outcome<std::string>{};
}

Task<Outcome<bool>> Likeness::is_shown(std::string user, Readings ids) const {
  for (const Kind kind : {Kind::kProfile, Kind::kAccount}) {
    const auto rows = co_await index_.rows(kind, user, ids);
    if (!rows.ok()) co_return Outcome<bool>{rows.status, rows.message, false};
    for (const NameIndex::Row& row : rows.value) {
      Outcome<bool> counted = co_await counts(row);
      if (!counted.ok() || counted.value) co_return counted;
    }
  }
  co_return Outcome<bool>{};
}

}  // namespace lcg::user
