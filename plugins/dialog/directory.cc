// SPDX-License-Identifier: Apache-2.0
#include "directory.h"

#include <algorithm>

namespace lcg::dialog {

namespace {
std::string slot_partition(uint32_t slot) { return "@" + std::to_string(slot); }
}  // namespace

Directory::Directory(Host host, const Settings& settings)
    : host_(host),
      store_(host),
      settings_(settings),
      gate_(host, [this](uint32_t slot) { return read_slot(slot); }) {}

void Directory::lost(uint32_t slot) {
  gate_.lost(slot);
  for (const DialogPtr& dialog : all()) {
    if (host_.slot_of(dialog->id) != slot) continue;
    dialog->broken = true;
    drop(*dialog);
    suspects_.erase(dialog->id);
  }
}

std::vector<DialogPtr> Directory::all() const {
  std::vector<DialogPtr> out;
  out.reserve(dialogs_.size());
  for (const auto& [id, cached] : dialogs_) out.push_back(cached.dialog);
  return out;
}

// A crash may have come between an entry and telling its members: those dialogs are listed in the slot's
// partition.
Task<lcg_status> Directory::read_slot(uint32_t slot) {
  storage::Scan page{kDirtyDocs, "", "", storage::kMaxScanRows, false};
  for (;;) {
    Outcome<storage::ScanRows> found = co_await store_.scan(slot_partition(slot), page);
    if (!found.ok()) co_return found.status;
    for (const storage::Row& row : found.value.rows) {
      suspects_.emplace(row.key, kUnknown);
      dirty_(row.key);
    }
    if (!found.value.more || found.value.rows.empty()) co_return LCG_OK;
    page.from = found.value.rows.back().key + '\0';
  }
}

Task<Outcome<DialogPtr>> Directory::open(std::string id) {
  const lcg_status ready = co_await gate_.ready(host_.slot_of(id));
  if (ready != LCG_OK) co_return {LCG_E_BUSY, "the slot is not ready", nullptr};
  for (;;) {
    const auto it = dialogs_.find(id);
    if (it != dialogs_.end()) {
      const DialogPtr dialog = it->second.dialog;
      if (dialog->usable()) {
        used_.splice(used_.begin(), used_, it->second.used);
        dialog->last_use_ns = host_.now_ns();
        co_return {LCG_OK, {}, dialog};
      }
      co_await dialog->gone_event.wait();
      continue;
    }
    const auto other = loading_.find(id);
    if (other != loading_.end()) {
      const std::shared_ptr<Event> done = other->second;
      co_await done->wait();
      continue;
    }
    const auto done = std::make_shared<Event>();
    loading_.emplace(id, done);
    Outcome<DialogPtr> loaded = co_await load(id);
    loading_.erase(id);
    done->set();
    if (!loaded.ok()) co_return loaded;
    used_.push_front(id);
    dialogs_.emplace(id, Cached{loaded.value, used_.begin()});
    loaded.value->last_use_ns = host_.now_ns();
    trim();
    co_return loaded;
  }
}

Task<lcg_status> Directory::barrier(std::string id) {
  storage::Batch batch;
  batch.put(kBarrierDocs, "last", std::to_string(host_.wall_ms()));
  Reply reply = co_await store_.commit(std::move(id), std::move(batch));
  co_return reply.status;
}

Task<Outcome<DialogPtr>> Directory::load(std::string id) {
  const auto suspect = suspects_.find(id);
  uint64_t published = kUnknown;
  if (suspect != suspects_.end()) {
    published = suspect->second;
    const lcg_status status = co_await barrier(id);
    if (status != LCG_OK) co_return {LCG_E_BUSY, "the store takes no write now", nullptr};
  }
  Reply meta = co_await store_.get(id, kMetaDocs, kMetaKey);
  if (meta.status == LCG_E_NOT_FOUND) {
    suspects_.erase(id);
    co_return {LCG_E_NOT_FOUND, {}, nullptr};
  }
  if (!meta.ok()) co_return {LCG_E_BUSY, meta.message, nullptr};
  const auto dialog = std::make_shared<Dialog>(id);
  if (!decode(meta.data, dialog->meta)) co_return {LCG_E_INTERNAL, "meta document is damaged", nullptr};

  Outcome<storage::ScanRows> last = co_await store_.scan(id, {kLogDocs, "", "", 1, true});
  Entry entry;
  if (!last.ok()) co_return {LCG_E_BUSY, last.message, nullptr};
  if (last.value.rows.empty() || !decode(last.value.rows.front().value, entry))
    co_return {LCG_E_INTERNAL, "log is damaged", nullptr};
  dialog->head = dialog->submitted = entry.dseq;
  dialog->notified = entry.dseq;  // notifier.cc knows better for a dialog that was left dirty
  dialog->last_ts_ms = entry.ts_ms;
  const lcg_status members = co_await read_members(dialog);
  if (members != LCG_OK) co_return {members, "members could not be read", nullptr};
  suspects_.erase(id);
  if (published < dialog->head) co_await announce(dialog, published);
  co_return {LCG_OK, {}, dialog};
}

// A dialog whose members are told one by one has them all in memory; of a large one, those who do something.
Task<lcg_status> Directory::read_members(DialogPtr dialog) {
  if (dialog->meta.large) co_return LCG_OK;
  storage::Scan page{kMemberDocs, "", "", storage::kMaxScanRows, false};
  for (;;) {
    Outcome<storage::ScanRows> rows = co_await store_.scan(dialog->id, page);
    if (!rows.ok()) co_return LCG_E_BUSY;
    for (storage::Row& row : rows.value.rows) {
      Member member;
      if (!decode(row.value, member)) co_return LCG_E_INTERNAL;
      dialog->members.emplace(std::move(row.key), std::move(member));
    }
    if (!rows.value.more || rows.value.rows.empty()) break;
    page.from = rows.value.rows.back().key + '\0';
  }
  dialog->all_members = true;
  co_return LCG_OK;
}

// Entries that turned out durable although their write was reported as failed: subscribers have not seen
// them.
Task<> Directory::announce(DialogPtr dialog, uint64_t after) {
  const std::string to = storage::key_u64(dialog->head + 1);
  while (after < dialog->head) {
    Outcome<storage::ScanRows> rows = co_await store_.scan(
        dialog->id, {kLogDocs, storage::key_u64(after + 1), to, storage::kMaxScanRows, false});
    if (!rows.ok() || rows.value.rows.empty()) break;  // a later position will show subscribers the gap
    for (const storage::Row& row : rows.value.rows) {
      Entry entry;
      if (decode(row.value, entry)) publish_(*dialog, entry);
      after = storage::u64_of_key(row.key);
    }
  }
}

Task<Outcome<Member*>> Directory::member(DialogPtr dialog, std::string user) {
  const auto it = dialog->members.find(user);
  if (it != dialog->members.end()) co_return {LCG_OK, {}, &it->second};
  if (dialog->all_members) co_return {LCG_OK, {}, nullptr};
  Reply reply = co_await store_.get(dialog->id, kMemberDocs, user);
  if (!dialog->usable()) co_return {LCG_E_BUSY, "the dialog is being read again", nullptr};
  if (reply.status == LCG_E_NOT_FOUND) {
    // He may have joined while we asked.
    const auto now = dialog->members.find(user);
    co_return {LCG_OK, {}, now == dialog->members.end() ? nullptr : &now->second};
  }
  Member member;
  if (!reply.ok() || !decode(reply.data, member))
    co_return {LCG_E_BUSY, "the member could not be read", nullptr};
  co_return {LCG_OK, {}, &dialog->members.try_emplace(std::move(user), std::move(member)).first->second};
}

Task<Outcome<LanePtr>> Directory::lane(DialogPtr dialog, chat::Key key, bool ephemeral) {
  const std::string name = lane_key(key.user, key.device);
  const auto it = dialog->lanes.find(name);
  if (it != dialog->lanes.end()) co_return {LCG_OK, {}, it->second};
  const auto lane = std::make_shared<Lane>();
  if (!ephemeral) {
    Reply reply = co_await store_.get(dialog->id, kLaneDocs, name);
    if (!dialog->usable()) co_return {LCG_E_BUSY, "the dialog is being read again", nullptr};
    if (reply.status == LCG_E_NOT_FOUND) {
      lane->known = true;  // known to be new
    } else if (!reply.ok() || !decode(reply.data, *lane)) {
      co_return {LCG_E_BUSY, "the device could not be read", nullptr};
    }
  }
  trim_lanes(*dialog);
  co_return {LCG_OK, {}, dialog->lanes.try_emplace(name, lane).first->second};
}

// A device with a document is read again when it comes back; an ephemeral one is forgotten.
void Directory::trim_lanes(Dialog& dialog) {
  if (dialog.lanes.size() < kMaxLanes) return;
  std::erase_if(dialog.lanes, [](const auto& item) {
    const LanePtr& lane = item.second;
    return lane.use_count() == 1 && lane->prepared.empty() && lane->unacknowledged == 0;
  });
}

void Directory::fail(Dialog& dialog) {
  dialog.broken = true;
  dialog.lane_moved.pulse();
  write_ended(dialog);
}

void Directory::write_ended(Dialog& dialog) {
  if (dialog.broken && !dialog.gone && dialog.writes == 0) {
    suspects_[dialog.id] = dialog.head;
    drop(dialog);
    // Read it again now: subscribers wait for what became durable behind our back.
    auto again = [](Directory* self, std::string id) -> Task<> { co_await self->open(std::move(id)); };
    if (!host_.stopping()) host_.spawn(again(this, dialog.id));
  }
}

void Directory::drop(Dialog& dialog) {
  if (dialog.gone) return;
  dialog.gone = true;
  const auto it = dialogs_.find(dialog.id);
  if (it != dialogs_.end() && it->second.dialog.get() == &dialog) {
    const DialogPtr alive = it->second.dialog;
    used_.erase(it->second.used);
    dialogs_.erase(it);
    alive->gone_event.set();
    alive->lane_moved.pulse();
    alive->dirty_changed.pulse();
  } else {
    dialog.gone_event.set();
  }
}

void Directory::trim() {
  auto it = used_.end();
  // A few looks a call: the coldest are at the end, and those still in use will be cold later.
  for (int looks = 64; looks > 0 && dialogs_.size() > settings_.cache_dialogs && it != used_.begin();
       --looks) {
    --it;
    const auto cached = dialogs_.find(*it);
    Dialog& dialog = *cached->second.dialog;
    const bool cold =
        cached->second.dialog.use_count() == 1 && dialog.idle() && dialog.dirty == Dialog::Dirty::kClean;
    if (!cold) continue;
    dialogs_.erase(cached);
    it = used_.erase(it);
  }
}

}  // namespace lcg::dialog
