// SPDX-License-Identifier: Apache-2.0
// Counter: how much of a dialog a member has not read: messages by others that are not recalled, that the member may
// read, above the read mark. Exact up to kMaxUnread; more is told as more.
//
// Counts by the blocks of said.h from the head back: for who has read nearly all that is the newest block, which is
// filled from the entries in memory; for who is far behind, a few blocks of about half a kilobyte, whatever the bodies
// are; for who was counted before, what came since. It ends after kMaxUnread messages or kMaxBlocks blocks. It is asked
// when a member is told that there is news and when a mark moves; the answer is kept in the member's own list
// (inbox.h), so that a list costs no count at all. Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "directory.h"
#include "lcg/services/storage.hpp"
#include "state.h"

namespace lcg::dialog {

struct Unread {
  uint64_t head = 0;       // it is of this head
  uint64_t count = 0;      // at most kMaxUnread
  bool more = false;       // there are, or may be, more
  uint64_t looked_at = 0;  // blocks, and entries of the log that were read for them: what it cost
};

class Counter {
 public:
  static constexpr uint64_t kMaxUnread = 1000;
  static constexpr uint64_t kMaxBlocks = 256;  // 65,536 positions: how far back one count looks

  Counter(Host host, Directory& directory) : store_(host), directory_(directory) {}

  // `member` as it is when this is called. 0 for who is not in.
  Task<Outcome<Unread>> unread(DialogPtr dialog, std::string user, Member member);
  // The message at `dseq` is recalled by what is submitted with `batch`; for Eraser::take_out alone.
  static void recalled(Dialog& dialog, uint64_t dseq, storage::Batch* batch);

 private:
  // Adds what others have said in these ranges.
  Task<lcg_status> count(DialogPtr dialog, std::string user, std::vector<Window> ranges, Unread* answer);
  // Afterwards the block is in memory with all its positions up to `head`.
  Task<lcg_status> fetch(DialogPtr dialog, uint64_t number, uint64_t head, uint64_t* looked_at);
  Task<lcg_status> read(DialogPtr dialog, uint64_t number, uint64_t head, uint64_t* looked_at);
  Task<lcg_status> read_log(DialogPtr dialog, Said::Block* block, uint64_t last);

  storage::Client store_;
  Directory& directory_;
};

}  // namespace lcg::dialog
