// SPDX-License-Identifier: Apache-2.0
// PullBudget: what reading a dialog's log costs a user, whichever way is taken: dialog.history, the history of the
// channel "dialog:<id>", and recovery. Lane: the instance's.
#pragma once
#include <string>

#include "budget.h"
#include "lcg/host.hpp"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

class PullBudget {
 public:
  PullBudget(Host host, const Settings& settings)
      : host_(host), budget_(static_cast<double>(settings.pull_rate), settings.pull_burst) {}

  // A pull of up to `entries`. Code 111 "retry_after_ms:<n>" when the user has asked too much, else ok.
  Reply pull(const std::string& user, size_t entries) {
    const uint64_t wait_ms = budget_.pay(user, 1 + per_entry(entries), host_.now_ns());
    return wait_ms == 0 ? Reply() : retry_after(wait_ms);
  }
  // What a subscriber has missed. False: it is not recovered but pulled, which is paid for then. Who missed little
  // pays little, so that coming back to many dialogs is no pull of each.
  bool recover(const std::string& user, size_t entries) {
    return budget_.pay(user, per_entry(entries), host_.now_ns()) == 0;
  }

 private:
  static double per_entry(size_t entries) { return static_cast<double>(entries) / 50; }

  Host host_;
  Budget budget_;
};

}  // namespace lcg::dialog
