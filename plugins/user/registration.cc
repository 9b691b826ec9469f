// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/registration.h"

namespace lcg::user {
namespace {

using Kind = NameIndex::Kind;

// Of another authority's id uaa knows nothing: the authority that calls does.
bool is_nobodys(lcg_status registered) {
  return registered == LCG_E_NOT_FOUND || registered == LCG_E_INVALID || registered == LCG_E_UNSUPPORTED;
}

}  // namespace

// The authority says what its user is called without the prefix.
Readings Registration::ids_of(const Naming& naming) const {
  Readings out = likeness_.ids_of(naming.user);
  for (std::string& reading : readings_of(naming.bare))
    if (!contains(out, reading)) out.push_back(std::move(reading));
  return out;
}

Task<Reply> Registration::check(Naming naming) const {
  const Outcome<bool> shown = co_await likeness_.is_shown(naming.user, ids_of(naming));
  if (!shown.ok()) co_return Reply::error(shown.status, shown.message);
  if (shown.value)
    co_return Reply::error(LCG_E_CONFLICT,
                           "the user name is refused: it reads like the name that another user shows");
  Readings others = without(readings_of(naming.shown), readings_of(naming.bare));
  const Outcome<std::string> other = co_await likeness_.id_like(naming.user, std::move(others));
  if (!other.ok()) co_return Reply::error(other.status, other.message);
  if (!other.value.empty())
    co_return Reply::error(LCG_E_INVALID,
                           "the display name is refused: it reads like the name of another user");
  co_return Reply();
}

Task<Reply> Registration::take(Naming naming) const {
  const auto now_ms = static_cast<uint64_t>(host_.wall_ms());
  Outcome<Readings> shown;
  Outcome<Readings> ids = co_await index_.add(Kind::kId, naming.user, ids_of(naming), now_ms);
  if (ids.ok()) shown = co_await index_.add(Kind::kAccount, naming.user, readings_of(naming.shown), now_ms);
  Reply done = Reply::error(ids.ok() ? shown.status : ids.status, ids.ok() ? shown.message : ids.message);
  if (done.ok()) done = co_await check(naming);
  if (done.ok()) co_return Reply();
  // One that stays counts for kClaimMs.
  const Reply released = co_await index_.remove(Kind::kId, naming.user, std::move(ids.value));
  const Reply unshown = co_await index_.remove(Kind::kAccount, naming.user, std::move(shown.value));
  if (!released.ok() || !unshown.ok()) host_.warn("a refused name counts for another two minutes");
  co_return done;
}

Task<Reply> Registration::release(Naming naming) const {
  Reply registered = co_await likeness_.registered(naming.user);
  if (registered.ok()) co_return Reply();
  // What cannot be told stays: it counts for kClaimMs, and then if the user is there.
  if (!is_nobodys(registered.status)) co_return registered;
  const Outcome<Profile> profile = co_await read_profile(storage_, naming.user);
  if (!profile.ok()) co_return Reply::error(profile.status, profile.message);
  Reply done = co_await index_.remove(Kind::kAccount, naming.user, readings_of(naming.shown));
  if (profile.value.version > 0) co_return done;
  const Reply released = co_await index_.remove(Kind::kId, naming.user, ids_of(naming));
  co_return released.ok() ? done : released;
}

}  // namespace lcg::user
