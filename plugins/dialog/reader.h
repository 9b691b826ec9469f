// SPDX-License-Identifier: Apache-2.0
// Reader: pages of a dialog's log, and the search for one message in it.
//
// The newest entries come from memory. Reads of the same page at the same time cost one read of the store.
// Nobody is shown a position above the durable head. Lane: the instance's.
#pragma once
#include <string>
#include <unordered_map>
#include <vector>

#include "directory.h"
#include "lcg/services/message.hpp"
#include "lcg/services/storage.hpp"
#include "state.h"

namespace lcg::dialog {

struct Page {
  std::vector<EntryPtr> entries;  // ascending, or descending when asked in reverse
  bool more = false;              // readable positions of the range are left
};

class Reader {
 public:
  explicit Reader(Host host) : host_(host), store_(host), messages_(host) {}

  // Entries of `ranges` (ascending, none above head) from one end, at most `limit` and kMaxPageBytes.
  Task<Outcome<Page>> page(DialogPtr dialog, std::vector<Window> ranges, size_t limit, bool reverse);
  Task<Outcome<EntryPtr>> entry(DialogPtr dialog, uint64_t dseq);
  // The entry of a message, wherever the log has it: also above what this object knows of.
  // nullptr value: it is not in the log. Cost: the entries since the message was made.
  Task<Outcome<EntryPtr>> find(DialogPtr dialog, uint64_t message_id);
  // The entry as JSON with its body, wherever that lies.
  Task<std::string> full_json(DialogPtr dialog, EntryPtr entry);

 private:
  Task<Outcome<Page>> stored(DialogPtr dialog, uint64_t from, uint64_t to, size_t limit, bool reverse);
  static bool from_tail(const Dialog& dialog, uint64_t from, uint64_t to, size_t limit, bool reverse,
                        Page& out);

  Host host_;
  storage::Client store_;
  message::Client messages_;
  std::unordered_map<std::string, std::shared_ptr<Future<Outcome<Page>>>> reading_;
};

}  // namespace lcg::dialog
