// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/password_check.h"

#include <algorithm>

#include "lcg/provided.hpp"
#include "lcg/users.hpp"
#include "plugins/names/names.h"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr char kNoTurn[] = "no turn to hash a password: too many wait";

constexpr size_t kMaxShownBytes = 256;  // of a display name

std::string in_lower_case(std::string_view user) {
  std::string out(user);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// Whether a write that failed may be there yet.
bool may_be_made(lcg_status status) {
  return status == LCG_E_TIMEOUT || status == LCG_E_INTERNAL || status == LCG_E_CANCELLED;
}

std::string after_prefix(const std::string& prefix) {
  return prefix.empty() ? "" : " after \"" + prefix + "\"";
}

}  // namespace

PasswordCheck::PasswordCheck(Host host, PasswordRules rules)
    : host_(host),
      store_(host),
      users_(host),
      rules_(std::move(rules)),
      decoy_(decoy_hash(rules_.cost)),
      queue_(rules_.turns, [host] { return host.now_ns(); }) {}

Task<Outcome<std::string>> PasswordCheck::hash(FairQueue::Asker asker, std::string password) {
  const Outcome<FairQueue::Turn> turn = co_await queue_.take(std::move(asker));
  if (!turn.ok()) co_return Outcome<std::string>{turn.status, kNoTurn, {}};
  auto work = [password = std::move(password), cost = rules_.cost]() mutable {
    std::string out = hash_password(password, cost);
    wipe(password);
    return out;
  };
  co_return co_await host_.offload(std::move(work));
}

Task<Reply> PasswordCheck::add(FairQueue::Asker asker, std::string user, std::string password,
                               std::string name) {
  if (!is_user_id(user, rules_.user_prefix))
    co_return Reply::error(LCG_E_INVALID,
                           "a user name is 1 to 64 of letters, digits and -_.[]{}|`^\\~+=!();" +
                               after_prefix(rules_.user_prefix));
  if (password.size() < rules_.min_bytes || password.size() > kMaxPasswordBytes)
    co_return Reply::error(LCG_E_INVALID, "a password has " + std::to_string(rules_.min_bytes) + " to " +
                                              std::to_string(kMaxPasswordBytes) + " bytes");
  names::Name shown = names::display(name);
  if (shown.fault != nullptr)
    co_return Reply::error(LCG_E_INVALID, "the display name is refused: " + std::string(shown.fault));
  if (shown.text.size() > kMaxShownBytes)
    co_return Reply::error(LCG_E_INVALID, "a display name has at most 256 bytes");
  const Outcome<Stored<PasswordRecord>> present = co_await store_.password(user);
  if (present.ok()) co_return Reply::error(LCG_E_CONFLICT, "the user name is taken");
  if (present.status != LCG_E_NOT_FOUND) co_return Reply::error(present.status, present.message);
  const Reply unlike_others = co_await check_shown(user, shown.text);
  if (!unlike_others.ok()) co_return unlike_others;
  user::Naming naming{user, user.substr(rules_.user_prefix.size()), shown.text};
  if (provided(host_, "user")) {
    const Reply unlike = co_await users_.check(naming);
    if (!unlike.ok()) co_return unlike;
  }
  Outcome<std::string> hashed = co_await hash(std::move(asker), std::move(password));
  if (!hashed.ok()) co_return Reply::error(hashed.status, hashed.message);
  // One at a time: what one of two takes back is its own.
  const auto turn = co_await making_.acquire(in_lower_case(user));
  const Outcome<Stored<PasswordRecord>> made = co_await store_.password(user);  // while this one was hashed
  if (made.ok()) co_return Reply::error(LCG_E_CONFLICT, "the user name is taken");
  if (made.status != LCG_E_NOT_FOUND) co_return Reply::error(made.status, made.message);
  PasswordRecord record;
  record.name = shown.text.empty() ? naming.bare : std::move(shown.text);
  record.hash = std::move(hashed.value);
  record.created_ms = record.changed_ms = host_.wall_ms();
  co_return co_await make(std::move(naming), std::move(record));
}

Task<Reply> PasswordCheck::make(user::Naming naming, PasswordRecord record) {
  const std::string& user = naming.user;
  Reply taken = co_await take_names(naming);
  if (!taken.ok()) co_return taken;
  Reply reply = co_await store_.create_password(user, std::move(record));
  // Where it may be made yet, what was taken counts no longer when it is not (plugins/user/likeness.h).
  if (!reply.ok() && !may_be_made(reply.status)) co_await give_up(naming);
  if (reply.status == LCG_E_CONFLICT) reply.message = "the user name is taken";
  if (!reply.ok()) co_return reply;
  // Another gate, while the slot moves, may have found this claim and nobody made yet, and taken it or given it up. Who has
  // an account keeps the claim, or takes it again: of two who do so one sees the other's account.
  const Reply kept = co_await claim(user);
  if (kept.status != LCG_E_CONFLICT) co_return reply;
  const Reply erased = co_await store_.erase_password(user);
  if (!erased.ok()) co_return erased;
  co_await give_up(naming);
  co_return kept;
}

// Who shows a name in the same moment finds what is taken, or is found here.
Task<Reply> PasswordCheck::take_names(user::Naming naming) {
  Reply taken = co_await claim(naming.user);
  if (!taken.ok()) co_return taken;
  taken = co_await check_shown(naming.user, naming.shown);
  if (taken.ok() && provided(host_, "user")) taken = co_await users_.take(naming);
  if (!taken.ok()) co_await give_up(std::move(naming));
  co_return taken;
}

Task<void> PasswordCheck::give_up(user::Naming naming) const {
  const Outcome<Stored<PasswordRecord>> made = co_await store_.password(naming.user);
  if (made.status != LCG_E_NOT_FOUND) co_return;  // another gate's work, or not known
  co_await store_.give_up_name(in_lower_case(naming.user), naming.user);
  if (provided(host_, "user")) co_await users_.release(std::move(naming));
}

Task<Reply> PasswordCheck::is_registered(std::string user) const {
  if (!is_user_id(user, rules_.user_prefix)) co_return Reply::error(LCG_E_INVALID, "not a user id of uaa");
  const Outcome<Stored<PasswordRecord>> made = co_await store_.password(std::move(user));
  co_return made.ok() ? Reply() : Reply::error(made.status, made.message);
}

Task<Reply> PasswordCheck::claim(std::string user) {
  const Reply taken = Reply::error(LCG_E_CONFLICT, "the user name is taken");
  const std::string folded = in_lower_case(user);
  const Reply owner = co_await store_.name_owner(folded);
  if (!owner.ok() && owner.status != LCG_E_NOT_FOUND) co_return Reply::error(owner.status, owner.message);
  if (owner.data == user) co_return Reply();
  // Who claimed it and was never made (a crash in between) has no right to it. Users from before there were claims
  // have none: those who are called so in lower case count.
  const std::string holder = owner.ok() ? owner.data : folded;
  if (holder != user) {
    const Outcome<Stored<PasswordRecord>> made = co_await store_.password(holder);
    if (made.ok()) co_return taken;
    if (made.status != LCG_E_NOT_FOUND) co_return Reply::error(made.status, made.message);
  }
  const Reply claimed = co_await store_.claim_name(folded, user, owner.data);
  if (claimed.status == LCG_E_CONFLICT) co_return taken;
  co_return claimed;
}

Task<Reply> PasswordCheck::check_shown(std::string user, std::string name) {
  // What is read as one's own id, or as the same name at another authority (plugins/user/likeness.h has the same rule).
  std::vector<std::string> own = names::folded(user);
  for (std::string& reading : names::folded(without_prefix(host_, user))) own.push_back(std::move(reading));
  const auto is_own = [&own](const std::string& reading) {
    const std::vector<std::string> all = names::folded(reading);
    return std::all_of(all.begin(), all.end(), [&own](const std::string& one) {
      return std::find(own.begin(), own.end(), one) != own.end();
    });
  };
  const std::vector<std::string> readings = names::readings(name);
  for (const std::string& reading : readings) {
    if (is_own(reading)) continue;
    // With the prefix or without it.
    const std::string lower = in_lower_case(reading);
    const bool whole = !rules_.user_prefix.empty() && lower.starts_with(in_lower_case(rules_.user_prefix));
    const std::string other = rules_.user_prefix + reading.substr(whole ? rules_.user_prefix.size() : 0);
    const std::string folded = in_lower_case(other);
    if (!is_user_id(other, rules_.user_prefix)) continue;
    // A claim without an account counts for nobody. Users from before there were claims have none.
    const Reply owner = co_await store_.name_owner(folded);
    if (!owner.ok() && owner.status != LCG_E_NOT_FOUND) co_return Reply::error(owner.status, owner.message);
    Outcome<Stored<PasswordRecord>> made = co_await store_.password(owner.ok() ? owner.data : other);
    if (made.status == LCG_E_NOT_FOUND && owner.ok() && owner.data != other)
      made = co_await store_.password(other);
    if (made.ok())
      co_return Reply::error(LCG_E_INVALID,
                             "the display name is refused: it reads like the name of another user");
    if (made.status != LCG_E_NOT_FOUND) co_return Reply::error(made.status, made.message);
  }
  co_return Reply();
}

Task<Reply> PasswordCheck::check(FairQueue::Asker asker, std::string user, std::string password) {
  const Reply wrong = Reply::error(LCG_E_DENIED, "wrong user name or password");
  if (!is_user_id(user, rules_.user_prefix) || password.empty() || password.size() > kMaxPasswordBytes)
    co_return wrong;
  Outcome<Stored<PasswordRecord>> found = co_await store_.password(user);
  if (!found.ok() && found.status != LCG_E_NOT_FOUND) co_return Reply::error(found.status, found.message);
  bool matches = false;
  {
    const Outcome<FairQueue::Turn> turn = co_await queue_.take(std::move(asker));
    if (!turn.ok()) co_return Reply::error(turn.status, kNoTurn);
    auto work = [password, hash = found.ok() ? found.value.record.hash : decoy_]() mutable {
      const bool good = verify_password(password, hash);
      wipe(password);
      return good;
    };
    const Outcome<bool> verified = co_await host_.offload(std::move(work));
    if (!verified.ok()) co_return Reply::error(verified.status, verified.message);
    matches = verified.value && found.ok();
  }
  if (!matches) {
    wipe(password);
    co_return wrong;
  }
  Reply reply = Reply::with(found.value.record.name);
  if (needs_rehash(found.value.record.hash, rules_.cost))
    host_.spawn(strengthen(std::move(user), std::move(password), std::move(found.value)));
  wipe(password);
  co_return reply;
}

// After the configured cost has changed; if somebody changes the password meanwhile, theirs stays.
Task<void> PasswordCheck::strengthen(std::string user, std::string password, Stored<PasswordRecord> old) {
  FairQueue::Asker asker;  // nobody's address: in a line of its own, behind logins
  asker.kind = FairQueue::Kind::kRegistration;
  Outcome<std::string> hashed = co_await hash(std::move(asker), std::move(password));
  if (!hashed.ok()) co_return;
  PasswordRecord record = old.record;
  record.hash = std::move(hashed.value);
  const Reply replaced =
      co_await store_.replace_password(std::move(user), std::move(old.bytes), std::move(record));
  if (!replaced.ok() && replaced.status != LCG_E_CONFLICT) host_.warn("a password could not be hashed anew");
}

}  // namespace lcg::uaa
