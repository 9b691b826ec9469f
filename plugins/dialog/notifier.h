// SPDX-License-Identifier: Apache-2.0
// Notifier: tells the members of a dialog, each on the owner of his own slot, that the dialog is at a new
// head, and users whose membership changed that it did. At least once, coalesced.
//
// Before the first entry of an active period the dialog is listed as dirty in its slot's partition; it leaves
// the list when all were told and it has been idle. A crash in between leaves it listed, and the next owner
// tells everybody. A dialog with n members tells them at most every notify_delay * max(1, n / 50), so one
// dialog causes at most about 1,000 calls a second, whatever its size; large dialogs (Settings::fan_limit)
// tell nobody but changed members. Lane: the instance's.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "directory.h"
#include "feed.h"
#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "settings.h"
#include "state.h"

namespace lcg::dialog {

class Notifier {
 public:
  Notifier(Host host, const Settings& settings, Directory& directory, Feed& feed)
      : host_(host), store_(host), settings_(settings), directory_(directory), feed_(feed) {}

  // LCG_OK: the dialog is listed as dirty, and marked for whoever delivers events; both hold until something
  // suspends. Await before every append.
  Task<lcg_status> ensure_dirty(DialogPtr dialog);
  // News: the head moved, or outbox has grown.
  void kick(const DialogPtr& dialog);
  // A dialog found dirty at the start of its slot.
  void recover(std::string id);
  // Takes a dialog that has been idle off the list. Call about once a second.
  void rest(const DialogPtr& dialog);

 private:
  Task<> run(DialogPtr dialog);
  Task<> run_recovery(std::string id);
  Task<lcg_status> write_dirty(std::string id, bool dirty);
  Task<> clear_dirty(DialogPtr dialog);
  // True when everybody was told.
  Task<bool> tell(DialogPtr dialog, uint64_t head);
  // A user and the version of the membership he was told.
  using Told = std::vector<std::pair<std::string, uint64_t>>;
  Task<> tell_one(DialogPtr dialog, std::string user, uint64_t head, WaitGroup* group, Told* told);
  Task<bool> empty_outbox(DialogPtr dialog, Told told);
  static bool has_news(const Dialog& dialog);

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  Directory& directory_;
  Feed& feed_;
};

}  // namespace lcg::dialog
