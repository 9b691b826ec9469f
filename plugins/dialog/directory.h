// SPDX-License-Identifier: Apache-2.0
// Directory: the dialogs of the slots this instance owns; loads them from the store and puts cold ones away.
//
// After a write whose outcome is unknown, and after a crash, a dialog is read again only behind a durable
// write to its partition: whatever was on its way to the store has then arrived or never will, and what is
// read cannot be lost any more. Nor can anybody know then whom the store still has to be told: such a dialog is
// `unsettled` (below).
//
// To open a dialog costs a few reads, whatever it has: of its member documents one page is read at once, and the
// others only for who needs all who are in (know_crowd), page by page, keeping those who are in.
// Lane: the instance's.
#pragma once
#include <functional>
#include <list>
#include <string>
#include <unordered_map>

#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/slot_gate.hpp"
#include "settings.h"
#include "state.h"

namespace lcg::dialog {

class Directory {
 public:
  Directory(Host host, const Settings& settings);

  // `publish(dialog, entry)`: an entry that became durable without anybody being told.
  void on_found(std::function<void(Dialog&, const Entry&)> publish) { publish_ = std::move(publish); }
  // `dirty(id, mark)`: a crash may have kept members of this dialog from being told.
  void on_dirty(std::function<void(std::string, std::string)> dirty) { dirty_ = std::move(dirty); }
  // `unsettled(dialog)`: it was read behind a barrier; who is told of what is known by the store alone.
  void on_unsettled(std::function<void(const DialogPtr&)> unsettled) { unsettled_ = std::move(unsettled); }

  void gained(uint32_t slot) { gate_.gained(slot); }
  void lost(uint32_t slot);

  // A usable dialog (it may break at any later suspension). LCG_E_NOT_FOUND: there is none; LCG_E_BUSY: not
  // now.
  Task<Outcome<DialogPtr>> open(std::string id);
  // nullptr value: never was a member. The pointer lives as long as the dialog.
  Task<Outcome<Member*>> member(DialogPtr dialog, std::string user);
  // The same as a copy that nobody keeps, for who goes through many. LCG_E_NOT_FOUND: never was a member.
  Task<Outcome<Member>> look(DialogPtr dialog, std::string user);
  // LCG_OK: Dialog::crowd is whole, or the dialog is large.
  Task<lcg_status> know_crowd(DialogPtr dialog);
  // `keep`: in memory, for one who writes; else it is for a look.
  Task<Outcome<LanePtr>> lane(DialogPtr dialog, chat::Key key, bool ephemeral, bool keep = true);

  // A write of `dialog` was not taken, or nobody knows: no further use of this object.
  void fail(Dialog& dialog);
  // Call when a write of the dialog has ended, after Dialog::writes went down.
  void write_ended(Dialog& dialog);
  // A write to this dialog may come to be that nobody waits for: it is to be read behind a barrier.
  void doubt(const std::string& id) { suspects_.emplace(id, kUnknown); }
  // One step of a round over all dialogs in memory, for housekeeping: looks at the next ones until the looks have
  // cost `budget`, each what `look` returns and at least 1. Returns how many were looked at.
  using Look = std::function<size_t(const DialogPtr&)>;
  size_t visit(size_t budget, const Look& look);
  // Puts cold dialogs away until the cache fits.
  void trim();
  size_t size() const { return size_; }

 private:
  struct Cached {
    DialogPtr dialog;
    std::list<Cached*>::iterator used, turn;  // in used_, in round_
  };
  using Slot = std::unordered_map<std::string, Cached>;
  Cached* find(uint32_t slot, const std::string& id);
  void put(uint32_t slot, const DialogPtr& dialog);
  DialogPtr take(Dialog& dialog);
  Task<lcg_status> read_slot(uint32_t slot);
  Task<Outcome<DialogPtr>> load(std::string id);
  Task<lcg_status> barrier(std::string id);
  Task<lcg_status> read_members(DialogPtr dialog);
  Task<lcg_status> read_crowd(DialogPtr dialog);
  Task<lcg_status> read_lane(DialogPtr dialog, std::string name, LanePtr lane);
  Task<lcg_status> recall_lane(DialogPtr dialog, chat::Key key, LanePtr lane);
  Task<> announce(DialogPtr dialog, uint64_t after);
  void drop(Dialog& dialog);
  static void trim_lanes(Dialog& dialog);

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  SlotGate gate_;
  std::function<void(Dialog&, const Entry&)> publish_;
  std::function<void(std::string, std::string)> dirty_;
  std::function<void(const DialogPtr&)> unsettled_;
  std::unordered_map<uint32_t, Slot> slots_;
  size_t size_ = 0;
  std::list<Cached*> used_;                           // most recent first
  std::list<Cached*> round_;                          // oldest first
  std::list<Cached*>::iterator next_ = round_.end();  // the next to be visited
  std::unordered_map<std::string, std::shared_ptr<Event>> loading_;
  // To be read behind a barrier: the last position published, or kUnknown.
  static constexpr uint64_t kUnknown = ~uint64_t{0};
  std::unordered_map<std::string, uint64_t> suspects_;
};

}  // namespace lcg::dialog
