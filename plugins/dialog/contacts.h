// SPDX-License-Identifier: Apache-2.0
// Contacts: what users may do to one another: who is put into a dialog, how many in how short a time, and who
// has blocked whom (service "user"; where no plugin provides it nobody has).
//
// What others put into a user's list counts apart from what the user does, by who it was, so that nobody fills it for
// the others: of one there are at most max_added_by groups, and one direct dialog.
//
// Making a dialog, adding and joining go by the lane of the user who does it: there the rates count for all of
// the user's sessions, and there each of those who are to be put in is asked about, on its own lane. A user who has
// blocked the one who adds, or whose list has no more room for it, is left out without a word. Lane: the instance's.
#pragma once
#include <string>
#include <vector>

#include "inbox.h"
#include "lcg/host.hpp"
#include "lcg/services/user.hpp"
#include "lcg/sync.hpp"
#include "plugins/rates/budget.h"
#include "rpc.h"
#include "settings.h"
#include "state.h"

namespace lcg::dialog {

class Contacts {
 public:
  Contacts(Host host, const Settings& settings, Inbox& inbox);

  // Where a client's request goes: by way of reach()?
  static bool concerned(const ClientCall& call);
  // On the lane of the user who asks: checks, leaves out who may not be put in, and hands the rest to the dialog.
  Task<Reply> reach(ClientCall call);
  // On the lane of `user`, whom `actor` wants to put into a dialog. data: a Verdict.
  Task<Reply> admit(std::string user, std::string actor, bool direct);

  // Direct dialogs: who of the two has blocked the other. LCG_E_BUSY: not now.
  bool must_read_blocks(const Dialog& dialog) const;
  Task<lcg_status> read_blocks(DialogPtr dialog);
  // REQUIRES: not must_read_blocks. May `user` say something in this dialog?
  static Reply may_write(const Dialog& dialog, const std::string& user);
  // What is in memory about the two is no longer true.
  void forget_blocks(Dialog& dialog) const;

 private:
  bool may_have_blocks() const;
  struct Asked {
    Reply failed;
    std::vector<Verdict> verdicts;
  };
  Task<> ask(std::string user, std::string actor, bool direct, size_t index, WaitGroup* group, Asked* asked);
  // Has `user` room for a dialog that `actor` puts there?
  Task<Outcome<bool>> has_room(std::string user, std::string actor, bool direct);
  Task<Reply> sort_out(std::string actor, bool direct, std::vector<std::string>* users, Verdict* verdict);

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  Inbox& inbox_;
  user::Client users_;
  rates::Budget creating_, adding_;
  rates::Budget
      admitting_;  // by user NUL who adds: what the list does not count yet, because it is on its way
};

}  // namespace lcg::dialog
