// SPDX-License-Identifier: Apache-2.0
// Erasure: the one place that knows every copy of what a message says, and takes the text out of all of them.
//
// Copies of a body, and how each goes:
//   the dialog's log, in the store and in memory: the entries of the message, its edits and its reactions
//                                                 (dialog::Client::erase; dialog/eraser.h)
//   records and bodies: the same ones'            (Settler writes one that is recalled without its text)
//   keys: a hash of what was sent, from which a short text can be guessed      (likewise)
//   earlier attempts under the same key, which were not kept: they lose their text when they are cancelled
// No copies, because they read the log when they are asked: history, recovery, events and their backlog (http_callback
// keeps positions). Channels of a provider have no history of their own, no deltas and hence no bases of deltas; what a
// user's list holds has no text.
//
// What is about a message is found by an index (kAbout) that is written with it. An erasure is listed (kErasing) by the
// recall, before the recall commits, and stays listed until it is done: a crash delays it.
//
// A recall is answered when no document has the text any more. A store's files and logs keep what documents said
// before: they are scrubbed for all erasures together, every ErasureLimits::files_every. Lane: the instance's.
#pragma once
#include <chrono>
#include <memory>
#include <set>
#include <vector>

#include "due.h"
#include "lcg/host.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/timer.hpp"
#include "record.h"
#include "settler.h"

namespace lcg::message {

struct ErasureLimits {
  std::chrono::milliseconds files_every{600'000};
};

class Erasure {
 public:
  Erasure(Host host, ErasureLimits limits, Settler& settler);

  // With the record of an edit or a reaction, in its batch.
  static void put_about(storage::Batch& batch, const Record& record);
  // With the record that takes the place of a cancelled one of the same key, in its batch.
  static void put_earlier(storage::Batch& batch, const Record& record, uint64_t earlier);
  // With the record of a recall, in its batch.
  static void put_erasing(storage::Batch& batch, const Record& recall);

  void start();
  // The list has this recall: look what becomes of it.
  void found(uint64_t recall) { due_.add(recall); }
  // Documents have, or may have, what this recall takes back.
  bool pending(uint64_t recall) const { return due_.contains(recall); }
  // `recall` has committed. LCG_OK: no document has what its target said. Else it is tried again.
  Task<lcg_status> erase(Record recall);
  void lost(uint32_t slot);

 private:
  struct Names;

  Task<> run_due();
  Task<bool> resume(uint64_t recall);
  Task<lcg_status> take_back(uint64_t message);
  // Whether an edit or a reaction is in the log; what is not is cancelled and will never be.
  Task<lcg_status> resolve(Record* record);
  Task<lcg_status> strip(std::vector<Record> records);

  Task<> scrub_files();
  Task<lcg_status> name_copies(uint64_t recall, Names* names);
  // Of recalls that cannot be read now, the next period tries again; they hold back no other.
  Task<> scrub(std::vector<uint64_t> recalls);

  Host host_;
  const ErasureLimits limits_;
  storage::Client store_;
  dialog::Client dialogs_;
  Settler& settler_;
  Due due_;                      // recalls
  std::set<uint64_t> in_files_;  // recalls whose texts are in no document, but in files
  bool running_ = false, scrubbing_ = false;
  Timer timer_, files_timer_;
};

}  // namespace lcg::message
