// SPDX-License-Identifier: Apache-2.0
// Eraser: takes what entries say out of the log, in the store and in memory. The entries stay, as recalled ones: positions
// and order do not change. Who decides what is erased is the message plugin (message/erasure.h), which knows all copies.
// Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "directory.h"
#include "log.h"
#include "reader.h"

namespace lcg::dialog {

class Eraser {
 public:
  Eraser(Host host, Directory& directory, Log& log, Reader& reader)
      : host_(host), directory_(directory), log_(log), reader_(reader) {}

  // LCG_OK: durable, and no reader who asks from now on sees what was there. Entries that are not those of the ids are left
  // alone.
  Task<Reply> erase(std::string dialog, std::vector<EntryName> entries);
  // LCG_OK: what was erased there is in no file of the store.
  Task<Reply> erase_files(std::string dialog, std::vector<uint64_t> positions);

  // The same entry without what it says.
  static Entry without_text(const Entry& entry);
  // Adds to `batch`, and does in memory, all that the dialog has to do with it: the log, what is kept of its end, and
  // what counts as unread. The one way an entry loses its text. REQUIRES: `batch` is submitted before anything suspends.
  static void take_out(Dialog& dialog, const Entry& erased, storage::Batch* batch);

 private:
  Task<Reply> overwrite(DialogPtr dialog, std::vector<Entry> erased);

  Host host_;
  Directory& directory_;
  Log& log_;
  Reader& reader_;
};

}  // namespace lcg::dialog
