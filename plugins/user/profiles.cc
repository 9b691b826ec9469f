// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/profiles.h"

#include "lcg/provided.hpp"
#include "plugins/names/names.h"

namespace lcg::user {
namespace {

const std::string kProfileCollection = "user_profile";  // partition: user
const std::string kProfileKey = "profile";
const std::string kNameCollection = "user_name";  // partition: user/names/<first character>

constexpr uint32_t kEntriesRead = 100;  // of the index, for one search

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// A user of this id has no documents in the collection of names. `name` is folded UTF-8 and not empty.
std::string partition_of(std::string_view name) {
  const auto lead = static_cast<unsigned char>(name[0]);
  const size_t bytes = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return "user/names/" + std::string(name.substr(0, bytes));
}

// What is shown besides the id.
std::string own_name(const Profile& profile) {
  return profile.name == profile.user ? std::string() : profile.name;
}

Outcome<Profile> failed(const Reply& reply) { return {reply.status, reply.message, {}}; }

}  // namespace

std::string encode(const ProfileChange& change) {
  wire::Writer w;
  for (const auto* field : {&change.name, &change.about, &change.avatar, &change.data, &change.private_data})
    w.boolean(field->has_value()).str(field->value_or(""));
  return w.take();
}

bool decode(std::string_view data, ProfileChange& out) {
  wire::Reader r(data);
  for (auto* field : {&out.name, &out.about, &out.avatar, &out.data, &out.private_data}) {
    const bool present = r.boolean();
    const std::string_view text = r.str();
    if (present) *field = text;
  }
  return r.ok();
}

// NUL, which ends the name, comes before every other byte, so entries order by name.
Profiles::Entry Profiles::entry_of(const Profile& profile) {
  const std::string name = folded(profile.name);
  return {partition_of(name), name + '\0' + profile.user};
}

Task<Outcome<Profile>> Profiles::get(std::string user) const {
  const Reply found = co_await storage_.get(user, kProfileCollection, kProfileKey);
  Outcome<Profile> out;
  if (found.status == LCG_E_NOT_FOUND) {
    out.value.user = out.value.name = user;
  } else if (!found.ok()) {
    out.status = found.status;
    out.message = found.message;
  } else if (!decode(found.data, out.value)) {
    out.status = LCG_E_INTERNAL;
    out.message = "a stored profile cannot be read";
  }
  co_return out;
}

Task<Reply> Profiles::passes_for_another(std::string user, std::string name) const {
  const Reply refused = Reply::error(LCG_E_INVALID, "name: it reads like the id of another user");
  const Outcome<std::string> other = co_await names_.id_like(user, "", name);
  if (!other.ok()) co_return Reply::error(other.status, other.message);
  if (!other.value.empty()) co_return refused;
  // Of profiles from before there were readings.
  const std::vector<std::string> readings = names::readings(name);
  for (const std::string& reading : readings) {
    if (reading == user || !is_user_id(reading)) continue;
    const Outcome<Profile> profile = co_await get(reading);
    if (!profile.ok()) co_return Reply::error(profile.status, profile.message);
    if (profile.value.version > 0) co_return refused;
  }
  if (!provided(host_, "uaa")) co_return Reply();
  const Reply registered = co_await uaa_.check_shown(user, name);
  co_return registered.status == LCG_E_INVALID ? refused : registered;
}

Task<Reply> Profiles::claim_readings(Profile old, Profile next, bool asked) const {
  Reply done = co_await names_.add(NameIndex::Kind::kId, next.user, next.user);
  if (done.ok()) done = co_await names_.add(NameIndex::Kind::kProfile, next.user, own_name(next));
  if (!done.ok() || !asked || own_name(next).empty()) co_return done;
  done = co_await passes_for_another(next.user, next.name);
  if (!done.ok()) co_await names_.remove(NameIndex::Kind::kProfile, next.user, own_name(next), own_name(old));
  co_return done;
}

Task<Outcome<Profile>> Profiles::change(std::string user, ProfileChange change) {
  const auto guard = co_await changing_.acquire(user);
  const Outcome<Profile> present = co_await get(user);
  if (!present.ok()) co_return present;
  const Profile& old = present.value;
  Profile next = old;
  if (change.name) next.name = change.name->empty() ? user : *change.name;
  if (change.about) next.about = *change.about;
  if (change.avatar) next.avatar = *change.avatar;
  if (change.data) next.data = *change.data;
  if (change.private_data) next.private_data = *change.private_data;
  next.version = old.version + 1;
  next.updated_ms = host_.wall_ms();

  const Reply claimed = co_await claim_readings(old, next, change.name.has_value());
  if (!claimed.ok()) co_return failed(claimed);

  const Entry entry = entry_of(next), old_entry = entry_of(old);
  const bool indexed_anew = old.version == 0 || entry.key != old_entry.key;
  if (indexed_anew) {
    storage::Batch index;
    index.put(kNameCollection, entry.key, "");
    const Reply written = co_await storage_.commit(entry.partition, std::move(index));
    if (!written.ok()) co_return failed(written);
  }
  storage::Batch batch;
  if (old.version == 0) {
    batch.require_absent(kProfileCollection, kProfileKey);
  } else {
    batch.require_equals(kProfileCollection, kProfileKey, encode(old));
  }
  batch.put(kProfileCollection, kProfileKey, encode(next));
  const Reply written = co_await storage_.commit(user, std::move(batch));
  if (!written.ok()) co_return failed(written);

  if (indexed_anew && old.version != 0) {
    storage::Batch index;
    index.erase(kNameCollection, old_entry.key);
    const Reply erased = co_await storage_.commit(old_entry.partition, std::move(index));
    if (!erased.ok()) host_.warn("an old name stays in the index: " + erased.message);
    const Reply unread =
        co_await names_.remove(NameIndex::Kind::kProfile, user, own_name(old), own_name(next));
    if (!unread.ok()) host_.warn("a reading of an old name stays in the index: " + unread.message);
  }
  Outcome<Profile> out;
  out.value = std::move(next);
  co_return out;
}

bool Profiles::is_place(std::string_view prefix, const Place& place) {
  if (place.name.empty() && place.user.empty()) return true;
  return place.name.size() <= kMaxNameBytes && place.name.find('\0') == std::string::npos &&
         place.name.starts_with(folded(prefix)) && is_user_id(place.user);
}

Task<Outcome<Profiles::Found>> Profiles::search(std::string prefix, Place after, uint32_t limit) const {
  const std::string from = folded(prefix);
  storage::Scan scan;
  scan.collection = kNameCollection;
  scan.from = after.user.empty() ? from : after.name + '\0' + after.user + '\0';
  scan.to = from + '\xff';  // no UTF-8 text holds this byte
  scan.limit = kEntriesRead;
  const Outcome<storage::ScanRows> rows = co_await storage_.scan(partition_of(from), std::move(scan));
  Outcome<Found> out{rows.status, rows.message, {}};
  Found& found = out.value;
  found.more = rows.value.more;
  for (const storage::Row& row : rows.value.rows) {
    if (found.users.size() == limit) {
      found.more = true;
      break;
    }
    ++found.looked_at;
    const size_t end = row.key.find('\0');
    if (end == std::string::npos) continue;
    found.last = {row.key.substr(0, end), row.key.substr(end + 1)};
    Outcome<Profile> profile = co_await get(found.last.user);
    if (!profile.ok()) {
      out.status = profile.status;
      out.message = profile.message;
      break;
    }
    if (entry_of(profile.value).key == row.key) found.users.push_back(std::move(profile.value));
  }
  co_return out;
}

}  // namespace lcg::user
