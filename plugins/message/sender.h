// SPDX-License-Identifier: Apache-2.0
// Sender: the coordinator of a send. Two parties, the message store here and the dialog's log, agree on a
// message in three steps: both try, then the dialog confirms by appending to its log. That append is the one
// commit point; the answer to the client follows it, the record's final status follows later (settler.h).
//
// The dialog is tried before the record is written, so what it refuses (strangers, gaps, muted) costs no
// write, and nobody is asked about it: the plugins that judge what is about to be kept come between the two. The record is
// written before the dialog confirms, so an entry of the log always has its record. Concurrent sends of one key join the
// first and get its answer. Lane: the instance's; the owner of the dialog's slot runs this.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "erasure.h"
#include "ids.h"
#include "lcg/host.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/slot_gate.hpp"
#include "lcg/sync.hpp"
#include "record.h"
#include "settler.h"

namespace lcg::message {

class Sender {
 public:
  Sender(Host host, IdAllocator& ids, SlotGate& slots, Settler& settler, Erasure& erasure);

  // data: a chat::Position. Refusals as in message::Client::send.
  Task<Reply> send(SendRequest request);
  // The client will never send this number: data is a dialog::Resolution, kCommitted when it was sent after
  // all.
  Task<Reply> give_up(chat::Key key);
  bool in_flight(const chat::Key& key) const;

 private:
  // One key at work: whoever comes with the same key waits for this answer.
  struct Flight {
    std::string content_hash;
    Future<Reply> answer;
  };
  class Landing;

  // What one send carries from step to step.
  struct Work {
    SendRequest request;
    std::string hash;     // of what the client sent
    std::string body;     // what is kept: the client's, or what a plugin put in its place
    bool judged = false;  // whoever has a word to say before a commit has said it
    uint32_t slot = 0;
    Record record;
    bool stored = false;  // record is in the store, trying
    Record target;        // edit, recall, react
  };

  Task<Reply> fly(std::shared_ptr<Work> work);
  Task<Reply> find_target(std::shared_ptr<Work> work);
  // These set `again` when the whole is to be tried once more, and give the answer otherwise.
  Task<Reply> attempt(std::shared_ptr<Work> work, bool* again);
  Task<Reply> commit(std::shared_ptr<Work> work, bool* again);
  // The key is in the store already: goes on with its message, or takes its place when it was cancelled.
  Task<Reply> known_key(std::shared_ptr<Work> work, bool* again);
  Task<Reply> replace(std::shared_ptr<Work> work, Record cancelled, KeyEntry entry, bool* again);
  // Before something is kept (lcg/commits.hpp). Ok: it may be, as work->body. Asked once for a message: the number of one
  // that was refused is remembered with its content. `before`: what the key points to, to nothing or to what is not kept.
  Task<Reply> judge(std::shared_ptr<Work> work, std::optional<KeyEntry> before);
  bool must_judge(const Work& work) const;
  Task<Outcome<std::string>> body_of(Record record) const;
  // The answer to what is in the log. That to a recall says that nothing of the text is left.
  Task<Reply> committed(Record record);
  // The dialog says that the number was passed.
  Task<Reply> duplicate(std::shared_ptr<Work> work);
  Task<Outcome<KeyEntry>> find_key(chat::Key key) const;
  // Asks the log about a record that is still trying, and settles it when it is there.
  Task<Outcome<dialog::Resolution>> ask_log(Record record);
  void settle(Record record, Status status, const chat::Position& position);

  dialog::TryRequest try_request(const Work& work) const;
  void new_record(Work& work);
  static void put_body(Work& work);
  void put_record(storage::Batch& batch, const Work& work) const;

  Host host_;
  storage::Client store_;
  dialog::Client dialogs_;
  IdAllocator& ids_;
  SlotGate& slots_;
  Settler& settler_;
  Erasure& erasure_;
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights_;  // by storage_key
  KeyedLock<>
      lanes_;  // one unnumbered message of a device in a dialog at a time: its order is that of arrival
};

}  // namespace lcg::message
