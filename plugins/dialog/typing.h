// SPDX-License-Identifier: Apache-2.0
// Typing: who is writing just now, told to who is subscribed, and kept nowhere. What is too much for one dialog is left
// out without an error: another comes when the user still types. Lane: the instance's.
#pragma once
#include <string>

#include "contacts.h"
#include "directory.h"
#include "plugins/rates/budget.h"
#include "settings.h"

namespace lcg::dialog {

class Typing {
 public:
  Typing(Host host, Directory& directory, Contacts& contacts)
      : host_(host), directory_(directory), contacts_(contacts), budget_(kTypingRate, kTypingBurst) {}

  // By whom a message would be accepted from. data: {"told":true}.
  Task<Reply> tell(std::string id, std::string user, bool typing);

 private:
  Host host_;
  Directory& directory_;
  Contacts& contacts_;
  rates::Budget budget_;
};

}  // namespace lcg::dialog
