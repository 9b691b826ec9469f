// SPDX-License-Identifier: Apache-2.0
// Directory: the dialogs of the slots this instance owns; loads them from the store and puts cold ones away.
//
// After a write whose outcome is unknown, and after a crash, a dialog is read again only behind a durable
// write to its partition: whatever was on its way to the store has then arrived or never will, and what is
// read cannot be lost any more. Lane: the instance's.
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
  // `dirty(id)`: a crash may have kept members of this dialog from being told.
  void on_dirty(std::function<void(std::string)> dirty) { dirty_ = std::move(dirty); }

  void gained(uint32_t slot) { gate_.gained(slot); }
  void lost(uint32_t slot);

  // A usable dialog (it may break at any later suspension). LCG_E_NOT_FOUND: there is none; LCG_E_BUSY: not
  // now.
  Task<Outcome<DialogPtr>> open(std::string id);
  // nullptr value: never was a member. The pointer lives as long as the dialog.
  Task<Outcome<Member*>> member(DialogPtr dialog, std::string user);
  Task<Outcome<LanePtr>> lane(DialogPtr dialog, chat::Key key, bool ephemeral);

  // A write of `dialog` was not taken, or nobody knows: no further use of this object.
  void fail(Dialog& dialog);
  // Call when a write of the dialog has ended, after Dialog::writes went down.
  void write_ended(Dialog& dialog);
  // Every dialog in memory, for housekeeping.
  std::vector<DialogPtr> all() const;
  // Puts cold dialogs away until the cache fits.
  void trim();
  size_t size() const { return dialogs_.size(); }

 private:
  struct Cached {
    DialogPtr dialog;
    std::list<std::string>::iterator used;  // in used_
  };
  Task<lcg_status> read_slot(uint32_t slot);
  Task<Outcome<DialogPtr>> load(std::string id);
  Task<lcg_status> barrier(std::string id);
  Task<lcg_status> read_members(DialogPtr dialog);
  Task<> announce(DialogPtr dialog, uint64_t after);
  void drop(Dialog& dialog);
  static void trim_lanes(Dialog& dialog);

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  SlotGate gate_;
  std::function<void(Dialog&, const Entry&)> publish_;
  std::function<void(std::string)> dirty_;
  std::unordered_map<std::string, Cached> dialogs_;
  std::list<std::string> used_;  // most recent first
  std::unordered_map<std::string, std::shared_ptr<Event>> loading_;
  // To be read behind a barrier: the last position published, or kUnknown.
  static constexpr uint64_t kUnknown = ~uint64_t{0};
  std::unordered_map<std::string, uint64_t> suspects_;
};

}  // namespace lcg::dialog
