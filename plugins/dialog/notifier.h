// SPDX-License-Identifier: Apache-2.0
// Notifier: tells the members of a dialog, each on the owner of his own slot, that the dialog is at a new
// head, and users whose membership changed that it did. At least once, coalesced.
//
// Before the first entry of an active period the dialog is listed as dirty in its slot's partition. A crash leaves it
// listed, and the next owner tells everybody. It leaves the list when it has been idle and the STORE says that nobody
// is left in the outbox: what memory knows of the outbox (outbox.h) decides who is told now, never that all were.
// Users are told kTellAtOnce at a time, and one write takes them out of the outbox: so much is in memory, and each
// costs the same however many wait.
//
// A dialog with n members tells its news at most every notify_delay * max(1, n / 50), so one dialog causes at most
// about 1,000 calls a second, whatever its size; large dialogs (Settings::fan_limit) tell nobody but changed members.
// Whoever cannot be told is tried again alone, after half a second, and twice as long each time up to 30 s.
// Lane: the instance's.
#pragma once
#include <deque>
#include <set>
#include <string>
#include <vector>

#include "directory.h"
#include "feed.h"
#include "lcg/host.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/sync.hpp"
#include "marks.h"
#include "settings.h"
#include "state.h"

namespace lcg::dialog {

class Notifier {
 public:
  Notifier(Host host, const Settings& settings, Directory& directory, Feed& feed, Counter& counter,
           Marks& marks)
      : host_(host),
        store_(host),
        settings_(settings),
        directory_(directory),
        feed_(feed),
        counter_(counter),
        marks_(marks) {}

  // LCG_OK: the dialog is listed as dirty, and marked for whoever delivers events; both hold until something
  // suspends. Await before every append.
  Task<lcg_status> ensure_dirty(DialogPtr dialog);
  // News: the head moved, or outbox has grown.
  void kick(const DialogPtr& dialog);
  // A dialog found dirty at the start of its slot, or whose creation may still come to be, and what the list says.
  void recover(std::string id, std::string mark);
  // A dialog that was read behind a barrier: whom is to be told, the store knows.
  void unsettled(const DialogPtr& dialog);
  // Takes a dialog that has been idle off the list. Call about once a second. True: it has something to do now.
  bool rest(const DialogPtr& dialog);

 private:
  struct Told {
    std::string user;
    uint64_t version = 0;  // of the membership; 0: there is none
    bool large = false;
  };
  // One batch of users, and what became of it.
  struct Round {
    DialogPtr dialog;
    WaitGroup group;
    std::vector<Told> told;
    std::vector<std::string> failed;
  };
  struct Recovery {
    std::string id, mark;
  };
  Task<> run(DialogPtr dialog);
  Task<> recover_all();
  // True when nothing is left to do for it here.
  Task<bool> recover_one(Recovery recovery);
  Task<lcg_status> list_dirty(DialogPtr dialog);
  Task<> clear_dirty(DialogPtr dialog);
  // False: not even tried for all, try the whole again soon. Each who could not be told is in Dialog::missed.
  Task<bool> tell(DialogPtr dialog);
  Task<bool> tell_crowd(DialogPtr dialog, std::set<std::string> told);
  Task<> tell_stored(DialogPtr dialog, uint64_t head);
  Task<> tell_users(DialogPtr dialog, std::vector<std::string> users, bool from_outbox);
  // Those who were missed, and those the store still has.
  Task<> retry(DialogPtr dialog, uint64_t head);
  void retry_later(Dialog& dialog) const;
  bool may_retry(const Dialog& dialog) const;
  Task<> tell_one(Round* round, std::string user);
  // The user's list knows; or LCG_E_BUSY.
  Task<lcg_status> project(DialogPtr dialog, std::string user, Member member);
  Task<bool> empty_outbox(DialogPtr dialog, std::vector<Told> told);
  bool has_news(const Dialog& dialog) const;

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  Directory& directory_;
  Feed& feed_;
  Counter& counter_;
  Marks& marks_;
  std::deque<Recovery> recoveries_;
  size_t recovering_ = 0;
};

}  // namespace lcg::dialog
