// SPDX-License-Identifier: Apache-2.0
#include "directory.h"

#include <algorithm>

#include "lcg/busy.hpp"
#include "lcg/services/storage_pages.hpp"

namespace lcg::dialog {

namespace {

constexpr uint32_t kFirstMembers = 1000;    // member documents read with the dialog
constexpr uint32_t kAnnouncedAtOnce = 200;  // entries published in one step
constexpr uint32_t kMaxRecall = 16;  // entries looked at for the last one of a connection without a device

// nullptr: it is in the store alone.
EntryPtr in_memory(const Dialog& dialog, uint64_t dseq) {
  if (EntryPtr kept = dialog.tail.find(dseq)) return kept;
  for (const auto& pending : dialog.pending)
    if (pending->entry->dseq == dseq) return pending->entry;
  return nullptr;
}

std::string slot_partition(uint32_t slot) { return "@" + std::to_string(slot); }

}  // namespace

Directory::Directory(Host host, const Settings& settings)
    : host_(host),
      store_(host),
      settings_(settings),
      gate_(host, [this](uint32_t slot) { return read_slot(slot); }) {}

// --- what is in memory ---------------------------------------------------------------------------

Directory::Cached* Directory::find(uint32_t slot, const std::string& id) {
  const auto dialogs = slots_.find(slot);
  if (dialogs == slots_.end()) return nullptr;
  const auto it = dialogs->second.find(id);
  return it == dialogs->second.end() ? nullptr : &it->second;
}

void Directory::put(uint32_t slot, const DialogPtr& dialog) {
  Cached& cached = slots_[slot][dialog->id];
  cached.dialog = dialog;
  cached.used = used_.insert(used_.begin(), &cached);
  cached.turn = round_.insert(round_.end(), &cached);
  ++size_;
}

// nullptr when another object, or none, stands for its id.
DialogPtr Directory::take(Dialog& dialog) {
  const uint32_t slot = host_.slot_of(dialog.id);
  Cached* const cached = find(slot, dialog.id);
  if (cached == nullptr || cached->dialog.get() != &dialog) return nullptr;
  DialogPtr taken = std::move(cached->dialog);
  used_.erase(cached->used);
  if (next_ == cached->turn) ++next_;
  round_.erase(cached->turn);
  const auto dialogs = slots_.find(slot);
  dialogs->second.erase(taken->id);
  if (dialogs->second.empty()) slots_.erase(dialogs);
  --size_;
  return taken;
}

size_t Directory::visit(size_t budget, const Look& look) {
  size_t looked = 0;
  for (size_t spent = 0; spent < budget && looked < size_; ++looked) {
    if (next_ == round_.end()) next_ = round_.begin();
    const DialogPtr dialog = (*next_++)->dialog;
    spent += std::max<size_t>(1, look(dialog));
  }
  return looked;
}

void Directory::lost(uint32_t slot) {
  gate_.lost(slot);
  const auto dialogs = slots_.find(slot);
  if (dialogs == slots_.end()) return;
  std::vector<DialogPtr> all;
  for (const auto& [id, cached] : dialogs->second) all.push_back(cached.dialog);
  for (const DialogPtr& dialog : all) {
    dialog->broken = true;
    drop(*dialog);
    suspects_.erase(dialog->id);
  }
}

// --- reading -------------------------------------------------------------------------------------

// A crash may have come between an entry and telling its members: those dialogs are listed in the slot's
// partition.
Task<lcg_status> Directory::read_slot(uint32_t slot) {
  storage::Pages pages(host_, slot_partition(slot), {kDirtyDocs, "", ""});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok()) co_return rows.status;
    for (storage::Row& row : rows.value) {
      doubt(row.key);
      dirty_(std::move(row.key), std::move(row.value));
    }
  }
  co_return LCG_OK;
}

Task<Outcome<DialogPtr>> Directory::open(std::string id) {
  const uint32_t slot = host_.slot_of(id);
  const lcg_status ready = co_await gate_.ready(slot);
  if (ready != LCG_OK) co_return {LCG_E_BUSY, "the slot is not ready", nullptr};
  for (;;) {
    if (Cached* const cached = find(slot, id)) {
      const DialogPtr dialog = cached->dialog;
      if (dialog->usable()) {
        used_.splice(used_.begin(), used_, cached->used);
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
    const bool suspect = suspects_.contains(id);
    Outcome<DialogPtr> loaded = co_await load(id);
    loading_.erase(id);
    done->set();
    if (!loaded.ok()) co_return loaded;
    loaded.value->last_use_ns = host_.now_ns();
    put(slot, loaded.value);
    if (suspect) unsettled_(loaded.value);
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
  const auto found = suspects_.find(id);
  const bool suspect = found != suspects_.end();
  uint64_t published = kUnknown;
  if (suspect) {
    published = found->second;
    const lcg_status status = co_await barrier(id);
    if (status != LCG_OK) co_return {LCG_E_BUSY, "the store takes no write now", nullptr};
  }
  Reply meta = co_await store_.get(id, kMetaDocs, kMetaKey);
  if (meta.status == LCG_E_NOT_FOUND) {
    if (suspect) suspects_.erase(id);
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
  dialog->notified = entry.dseq;  // Notifier::unsettled knows better
  dialog->last_ts_ms = entry.ts_ms;
  const lcg_status members = co_await read_members(dialog);
  if (members != LCG_OK) co_return {members, "members could not be read", nullptr};
  if (suspect) suspects_.erase(id);
  if (published < dialog->head) co_await announce(dialog, published);
  co_return {LCG_OK, {}, dialog};
}

// The first page of them: of most dialogs that is all. Of a large one, those who do something.
Task<lcg_status> Directory::read_members(DialogPtr dialog) {
  if (dialog->meta.large) co_return LCG_OK;
  storage::Pages pages(host_, dialog->id, {kMemberDocs, "", ""}, {.rows = kFirstMembers});
  Outcome<std::vector<storage::Row>> rows = co_await pages.next();
  if (!rows.ok()) co_return LCG_E_BUSY;
  for (storage::Row& row : rows.value) {
    Member member;
    if (!decode(row.value, dialog->meta, member)) co_return LCG_E_INTERNAL;
    dialog->count_in(row.key, member);
    dialog->members.emplace(std::move(row.key), std::move(member));
  }
  dialog->all_members = dialog->crowd_known = pages.done();
  co_return LCG_OK;
}

Task<lcg_status> Directory::know_crowd(DialogPtr dialog) {
  while (dialog->crowd_reading) co_await dialog->crowd_read.wait();
  if (dialog->crowd_known || dialog->meta.large) co_return LCG_OK;
  const Busy busy(dialog->crowd_reading, &dialog->crowd_read);
  co_return co_await read_crowd(dialog);
}

// Who is in memory is newer there than in the store, whenever the page is read.
Task<lcg_status> Directory::read_crowd(DialogPtr dialog) {
  storage::Pages pages(host_, dialog->id, {kMemberDocs, "", ""});
  while (!pages.done() && !dialog->meta.large) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok() || !dialog->usable()) co_return LCG_E_BUSY;
    for (storage::Row& row : rows.value) {
      if (dialog->members.contains(row.key)) continue;
      Member member;
      if (!decode(row.value, dialog->meta, member)) co_return LCG_E_INTERNAL;
      if (!member.in()) continue;
      dialog->count_in(row.key, member);
      dialog->members.emplace(std::move(row.key), std::move(member));
    }
  }
  dialog->crowd_known = true;
  co_return LCG_OK;
}

// Entries that turned out durable although their write was reported as failed: subscribers have not seen
// them. What is left out, a later position will show them as a gap.
Task<> Directory::announce(DialogPtr dialog, uint64_t after) {
  storage::Pages pages(host_, dialog->id,
                       {kLogDocs, storage::key_u64(after + 1), storage::key_u64(dialog->head + 1)},
                       {.rows = kAnnouncedAtOnce});
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await pages.next();
    if (!rows.ok()) co_return;
    for (const storage::Row& row : rows.value) {
      Entry entry;
      if (decode(row.value, entry)) publish_(*dialog, entry);
    }
  }
}

Task<Outcome<Member*>> Directory::member(DialogPtr dialog, std::string user) {
  const auto it = dialog->members.find(user);
  const auto known = [](Member& m) { return m.known() ? &m : nullptr; };  // else forgotten
  if (it != dialog->members.end()) co_return {LCG_OK, {}, known(it->second)};
  if (dialog->all_members) co_return {LCG_OK, {}, nullptr};
  Reply reply = co_await store_.get(dialog->id, kMemberDocs, user);
  if (!dialog->usable()) co_return {LCG_E_BUSY, "the dialog is being read again", nullptr};
  if (reply.status == LCG_E_NOT_FOUND) {
    // He may have joined while we asked.
    const auto now = dialog->members.find(user);
    co_return {LCG_OK, {}, now == dialog->members.end() ? nullptr : known(now->second)};
  }
  Member member;
  if (!reply.ok() || !decode(reply.data, dialog->meta, member))
    co_return {LCG_E_BUSY, "the member could not be read", nullptr};
  const auto kept = dialog->members.try_emplace(std::move(user), std::move(member)).first;
  dialog->count_in(kept->first, kept->second);
  co_return {LCG_OK, {}, known(kept->second)};
}

Task<Outcome<Member>> Directory::look(DialogPtr dialog, std::string user) {
  Outcome<Member> out;
  const auto in_memory = [&] {
    const auto it = dialog->members.find(user);
    if (it == dialog->members.end()) return false;
    out.status = it->second.known() ? LCG_OK : LCG_E_NOT_FOUND;
    out.value = it->second;
    return true;
  };
  if (in_memory()) co_return out;
  Reply reply = co_await store_.get(dialog->id, kMemberDocs, user);
  if (in_memory()) co_return out;
  out.status = reply.status;
  if (reply.ok() && !decode(reply.data, dialog->meta, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<Outcome<LanePtr>> Directory::lane(DialogPtr dialog, chat::Key key, bool ephemeral, bool keep) {
  const std::string name = lane_key(key.user, key.device);
  const auto it = dialog->lanes.find(name);
  if (it != dialog->lanes.end()) co_return {LCG_OK, {}, it->second};
  const auto lane = std::make_shared<Lane>();
  lcg_status read = LCG_OK;
  if (ephemeral) {
    read = co_await recall_lane(dialog, key, lane);
  } else {
    read = co_await read_lane(dialog, name, lane);
  }
  if (read != LCG_OK) co_return {LCG_E_BUSY, "the device could not be read", nullptr};
  const auto now = dialog->lanes.find(name);
  if (now != dialog->lanes.end()) co_return {LCG_OK, {}, now->second};
  if (!keep) co_return {LCG_OK, {}, lane};
  trim_lanes(*dialog);
  co_return {LCG_OK, {}, dialog->lanes.try_emplace(name, lane).first->second};
}

Task<lcg_status> Directory::read_lane(DialogPtr dialog, std::string name, LanePtr lane) {
  Reply reply = co_await store_.get(dialog->id, kLaneDocs, std::move(name));
  if (!dialog->usable()) co_return LCG_E_BUSY;
  if (reply.status == LCG_E_NOT_FOUND) co_return LCG_OK;  // new here
  co_return reply.ok() && decode(reply.data, *lane) ? LCG_OK : LCG_E_BUSY;
}

// No document keeps the numbers of a connection that named no device, its messages do: its last one is looked for among
// the user's last ones, each of which names the one before. New connections, which have none, find their user's start,
// or look at a few.
Task<lcg_status> Directory::recall_lane(DialogPtr dialog, chat::Key key, LanePtr lane) {
  Outcome<Member*> member = co_await this->member(dialog, key.user);
  if (!member.ok()) co_return member.status;
  uint64_t dseq = member.value == nullptr ? 0 : member.value->last_dseq;
  for (uint32_t looks = 0; dseq != 0 && looks < kMaxRecall; ++looks) {
    EntryPtr entry = in_memory(*dialog, dseq);
    if (entry == nullptr) {
      Reply reply = co_await store_.get(dialog->id, kLogDocs, storage::key_u64(dseq));
      if (!dialog->usable()) co_return LCG_E_BUSY;
      if (reply.status == LCG_E_NOT_FOUND) co_return LCG_OK;
      Entry stored;
      if (!reply.ok() || !decode(reply.data, stored)) co_return LCG_E_BUSY;
      entry = std::make_shared<const Entry>(std::move(stored));
    }
    if (entry->device == key.device) {
      lane->last_cseq = entry->cseq;
      lane->last_dseq = entry->dseq;
      co_return LCG_OK;
    }
    dseq = entry->uprev;
  }
  co_return LCG_OK;
}

// A device with a document is read again when it comes back, one without is looked for in the log.
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
    // Read it again now: subscribers wait for what became durable behind our back, and members to be told.
    dirty_(dialog.id, dialog.dirty_mark);
  }
}

void Directory::drop(Dialog& dialog) {
  if (dialog.gone) return;
  dialog.gone = true;
  const DialogPtr alive = take(dialog);
  dialog.gone_event.set();
  dialog.lane_moved.pulse();
  dialog.dirty_changed.pulse();
}

void Directory::trim() {
  auto it = used_.end();
  // A few looks a call: the coldest are at the end, and those still in use will be cold later.
  for (int looks = 64; looks > 0 && size_ > settings_.cache_dialogs && it != used_.begin(); --looks) {
    --it;
    Dialog& dialog = *(*it)->dialog;
    const bool settled = dialog.dirty == Dialog::Dirty::kClean && dialog.outbox.empty();
    if ((*it)->dialog.use_count() != 1 || !dialog.idle() || !settled) continue;
    ++it;
    take(dialog);
  }
}

}  // namespace lcg::dialog
