// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/registration.h"

#include <algorithm>

#include "plugins/names/names.h"

namespace lcg::user {
namespace {

using Kind = NameIndex::Kind;

bool reads_as(const Profile& profile, const std::string& reading) {
  if (profile.name == profile.user) return false;  // without a name of its own
  const std::vector<std::string> readings = names::folded(profile.name);
  return std::find(readings.begin(), readings.end(), reading) != readings.end();
}

}  // namespace

Task<Outcome<bool>> Registration::is_shown(std::string user, std::string id) const {
  const auto found = co_await index_.shown_like(std::move(user), std::move(id));
  if (!found.ok()) co_return Outcome<bool>{found.status, found.message, false};
  for (const NameIndex::Shown& shown : found.value) {
    if (shown.kind != Kind::kProfile) co_return Outcome<bool>{LCG_OK, {}, true};
    // A crash in the middle of a change leaves an entry too many.
    const Outcome<Profile> profile = co_await profiles_.get(shown.user);
    if (!profile.ok()) co_return Outcome<bool>{profile.status, profile.message, false};
    if (reads_as(profile.value, shown.reading)) co_return Outcome<bool>{LCG_OK, {}, true};
  }
  co_return Outcome<bool>{};
}

Task<Reply> Registration::check(Naming naming) const {
  const Outcome<bool> shown = co_await is_shown(naming.user, naming.bare);
  if (!shown.ok()) co_return Reply::error(shown.status, shown.message);
  if (shown.value)
    co_return Reply::error(LCG_E_CONFLICT,
                           "the user name is refused: it reads like the name that another user shows");
  const Outcome<std::string> other = co_await index_.id_like(naming.user, naming.bare, naming.shown);
  if (!other.ok()) co_return Reply::error(other.status, other.message);
  if (!other.value.empty())
    co_return Reply::error(LCG_E_INVALID,
                           "the display name is refused: it reads like the name of another user");
  co_return Reply();
}

Task<Reply> Registration::take(Naming naming) const {
  Reply done = co_await index_.add(Kind::kId, naming.user, naming.user);
  if (done.ok()) done = co_await index_.add(Kind::kId, naming.user, naming.bare);
  if (done.ok()) done = co_await index_.add(Kind::kAccount, naming.user, naming.shown);
  if (!done.ok()) co_return done;
  Reply checked = co_await check(naming);
  if (checked.ok()) co_return checked;
  const Reply released = co_await release(std::move(naming));
  co_return released.ok() ? checked : released;
}

Task<Reply> Registration::release(Naming naming) const {
  Reply done = co_await index_.remove(Kind::kId, naming.user, naming.user);
  if (done.ok()) done = co_await index_.remove(Kind::kId, naming.user, naming.bare);
  if (done.ok()) done = co_await index_.remove(Kind::kAccount, naming.user, naming.shown);
  co_return done;
}

}  // namespace lcg::user
