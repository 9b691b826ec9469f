// SPDX-License-Identifier: Apache-2.0
// PullBudget: what reading costs a user: a dialog's log, whichever way is taken (dialog.history, the history of the channel
// "dialog:<id>", recovery), and the pages of dialog.list, sync, members and checkpoints. 1 unit a call and 1 for 50 rows.
// What is counted for dialog.read and hide, and for large dialogs of a list: 1 for 50 blocks of said.h or rows of the log.
// Lane: the instance's.
#pragma once
#include <algorithm>
#include <string>

#include "lcg/host.hpp"
#include "plugins/rates/budget.h"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

class PullBudget {
 public:
  PullBudget(Host host, const Settings& settings)
      : host_(host),
        most_(static_cast<double>(settings.pull_burst)),
        budget_(static_cast<double>(settings.pull_rate), settings.pull_burst) {}

  // A pull of up to `entries`. Code 111 "retry_after_ms:<n>" when the user has asked too much, else ok.
  Reply pull(const std::string& user, size_t entries) {
    const double cost =
        std::min(1 + per_entry(entries), most_);  // more than all there is would never be paid
    const uint64_t wait_ms = budget_.pay(user, cost, host_.now_ns());
    return wait_ms == 0 ? Reply() : retry_after(wait_ms);
  }
  // What costs nothing but what it turns out to read. Code 111 when the user still owes for something.
  Reply begin(const std::string& user) {
    const uint64_t wait_ms = budget_.pay(user, 0, host_.now_ns());
    return wait_ms == 0 ? Reply() : retry_after(wait_ms);
  }
  // Of what a call that was paid as pull(user, 0), or begun, has read besides, known when it was read: the next ones
  // wait for it.
  void owe(const std::string& user, size_t entries) { budget_.owe(user, per_entry(entries), host_.now_ns()); }
  // What a subscriber has missed. False: it is not recovered but pulled, which is paid for then. Who missed little
  // pays little, so that coming back to many dialogs is no pull of each.
  bool recover(const std::string& user, size_t entries) {
    return budget_.pay(user, per_entry(entries), host_.now_ns()) == 0;
  }

 private:
  static double per_entry(size_t entries) { return static_cast<double>(entries) / 50; }

  Host host_;
  const double most_;
  rates::Budget budget_;
};

}  // namespace lcg::dialog
