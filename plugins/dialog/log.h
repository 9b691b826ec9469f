// SPDX-License-Identifier: Apache-2.0
// Log: appends entries to dialogs. Many appends of one dialog may be on their way to the store at once, in
// order; each requires its predecessor and that its own position is free, so the log has no hole and no
// second writer. Lane: the instance's.
#pragma once
#include <functional>
#include <string>

#include "directory.h"
#include "lcg/services/storage.hpp"
#include "state.h"

namespace lcg::dialog {

class Log {
 public:
  Log(Host host, Directory& directory) : host_(host), store_(host), directory_(directory) {}

  // `appended(dialog)`: its head has moved.
  void on_appended(std::function<void(const DialogPtr&)> appended) { appended_ = std::move(appended); }

  // The next position and time of a dialog: what an entry made now gets.
  void place(Dialog& dialog, Entry& entry) const;
  // Submits `entry`, placed just now, together with the documents in `batch`. The state of `dialog` must
  // already be the one after it: submission happens before the first suspension. LCG_OK: durable, and
  // published. Else the dialog is broken, and whether the entry is in the log is told by reading it again.
  Task<lcg_status> append(DialogPtr dialog, Entry entry, storage::Batch batch);
  // Writes documents of the dialog in order with its entries, without an entry; synced as the batch says.
  Task<lcg_status> write(DialogPtr dialog, storage::Batch batch);

  void publish(const Dialog& dialog, const Entry& entry) const;
  // Ends the user's subscriptions to the dialog.
  void unsubscribe(const Dialog& dialog, const std::string& user) const;

 private:
  void require_order(const Dialog& dialog, uint64_t dseq, storage::Batch& batch) const;
  void advance(const DialogPtr& dialog);
  void end_subscriptions(const Dialog& dialog, const Entry& entry) const;

  Host host_;
  storage::Client store_;
  Directory& directory_;
  std::function<void(const DialogPtr&)> appended_;
};

}  // namespace lcg::dialog
