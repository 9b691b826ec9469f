// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/profiles.h"

#include <utility>

#include "lcg/provided.hpp"
#include "plugins/names/names.h"

namespace lcg::user {
namespace {

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

Outcome<Profile> failed(const Reply& reply) { return {reply.status, reply.message, {}}; }

// Whether nothing was written for certain, of a write that failed.
bool is_certain(lcg_status status) {
  return status == LCG_E_CONFLICT || status == LCG_E_FENCED || status == LCG_E_INVALID ||
         status == LCG_E_BUSY;
}

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
  co_return co_await read_profile(storage_, std::move(user));
}

Task<Reply> Profiles::passes_for_another(RenamingPtr change) const {
  const Renaming& renaming = *change;
  const std::string& user = renaming.next.user;
  const std::string& name = renaming.next.name;
  const Reply refused = Reply::error(LCG_E_INVALID, "name: it reads like the id of another user");
  const Outcome<std::string> other = co_await likeness_.id_like(user, renaming.to);
  if (!other.ok()) co_return Reply::error(other.status, other.message);
  if (!other.value.empty()) co_return refused;
  // Of profiles from before there were readings.
  const Readings own = likeness_.ids_of(user);
  const std::vector<std::string> readings = names::readings(name);
  for (const std::string& reading : readings) {
    if (reading == user || !is_user_id(reading)) continue;
    const Outcome<Profile> profile = co_await get(reading);
    if (!profile.ok()) co_return Reply::error(profile.status, profile.message);
    if (profile.value.version > 0 && !without(readings_of(reading), own).empty()) co_return refused;
  }
  if (!provided(host_, "uaa")) co_return Reply();
  const Reply registered = co_await uaa_.check_shown(user, name);
  co_return registered.status == LCG_E_INVALID ? refused : registered;
}

Task<Reply> Profiles::claim_readings(RenamingPtr change, bool asked) const {
  const Renaming& renaming = *change;
  const std::string& user = renaming.next.user;
  const bool renamed = own_name(renaming.old) != own_name(renaming.next);
  Reply done = co_await names_.keep(NameIndex::Kind::kId, user, likeness_.ids_of(user),
                                    static_cast<uint64_t>(host_.wall_ms()));
  if (!done.ok()) co_return done;
  if (renamed) {
    const Outcome<Readings> added =
        co_await names_.add(NameIndex::Kind::kProfile, user, renaming.to, renaming.next.version);
    if (!added.ok()) done = Reply::error(added.status, added.message);
  } else {
    done = co_await names_.keep(NameIndex::Kind::kProfile, user, renaming.to, renaming.next.version);
  }
  if (done.ok() && asked && !renaming.to.empty()) done = co_await passes_for_another(change);
  co_return done;
}

Task<Reply> Profiles::write(RenamingPtr change) const {
  const Renaming& renaming = *change;
  const Profile &old = renaming.old, &next = renaming.next;
  const Entry entry = entry_of(next);
  if (old.version == 0 || entry.key != entry_of(old).key) {
    storage::Batch index;
    index.durable = false;
    index.put(kNameCollection, entry.key, "");
    Reply written = co_await storage_.commit(entry.partition, std::move(index));
    if (!written.ok()) co_return written;
  }
  storage::Batch batch;
  if (old.version == 0) {
    batch.require_absent(kProfileCollection, kProfileKey);
  } else {
    batch.require_equals(kProfileCollection, kProfileKey, encode(old));
  }
  batch.put(kProfileCollection, kProfileKey, encode(next));
  co_return co_await storage_.commit(next.user, std::move(batch));
}

Task<void> Profiles::forget_old(RenamingPtr change) const {
  const Renaming& renaming = *change;
  const Entry old_entry = entry_of(renaming.old);
  if (entry_of(renaming.next).key != old_entry.key) {
    storage::Batch index;
    index.durable = false;
    index.erase(kNameCollection, old_entry.key);
    const Reply erased = co_await storage_.commit(old_entry.partition, std::move(index));
    if (!erased.ok()) host_.warn("an old name stays in the index: " + erased.message);
  }
  Readings unread = without(renaming.from, renaming.to);
  const Reply forgotten =
      co_await names_.remove(NameIndex::Kind::kProfile, renaming.old.user, std::move(unread));
  if (!forgotten.ok()) host_.warn("a reading of an old name stays in the index: " + forgotten.message);
}

Task<Outcome<Profile>> Profiles::change(std::string user, ProfileChange change) const {
  const Outcome<Profile> present = co_await get(user);
  if (!present.ok()) co_return present;
  const auto renaming = std::make_shared<Renaming>(Renaming{present.value, present.value, {}, {}});
  Profile& next = renaming->next;
  if (change.name) next.name = change.name->empty() ? user : *change.name;
  if (change.about) next.about = *change.about;
  if (change.avatar) next.avatar = *change.avatar;
  if (change.data) next.data = *change.data;
  if (change.private_data) next.private_data = *change.private_data;
  next.version = renaming->old.version + 1;
  next.updated_ms = host_.wall_ms();
  renaming->from = readings_of(own_name(renaming->old));
  const bool same = own_name(next) == own_name(renaming->old);
  renaming->to = same ? renaming->from : readings_of(own_name(next));

  Reply done = co_await claim_readings(renaming, change.name.has_value());
  const bool refused = !done.ok();
  if (done.ok()) done = co_await write(renaming);
  if (!done.ok()) {
    // A profile that may have been written keeps its row: until the next change the name counts as shown.
    if (refused || is_certain(done.status))
      co_await names_.remove(NameIndex::Kind::kProfile, user, without(renaming->to, renaming->from));
    co_return failed(done);
  }
  if (renaming->old.version != 0) co_await forget_old(renaming);
  Outcome<Profile> out;
  out.value = std::move(next);
  co_return out;
}

// A row from before may have an id or a name that nobody could take now.
bool Profiles::is_place(std::string_view prefix, const Place& place) {
  if (place.name.empty() && place.user.empty()) return true;
  return place.name.size() <= kMaxNameBytes && place.name.find('\0') == std::string::npos &&
         place.name.starts_with(folded(prefix)) && is_old_user_id(place.user);
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
