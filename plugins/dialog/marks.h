// SPDX-License-Identifier: Apache-2.0
// Marks: how far each member has read, as the dialog knows it, and who is told.
//
// The mark of a user is decided by the user's own list (inbox.h), which asks here for what is unread above it; the
// dialog keeps the highest it has heard in the member's document, not synced: what a crash takes back is told again by
// the list, with its next answer to news. With the setting tell_seen marks that move are told to who is subscribed, all
// of a period in one push that is in no log: a group of n members costs n deliveries a period, however many read. Large
// dialogs (Settings::fan_limit) push none. Lane: the instance's.
#pragma once
#include <string>
#include <string_view>

#include "counter.h"
#include "directory.h"
#include "log.h"
#include "settings.h"

namespace lcg::dialog {

// What a user's own list asks of a dialog, and is answered.
struct Marked {
  uint64_t read = 0;  // the mark that counts: the higher of both
  Unread unread;
  std::string title, avatar;
};
std::string encode(const Marked& m);
bool decode(std::string_view data, Marked& m);

class Marks {
 public:
  Marks(Host host, const Settings& settings, Directory& directory, Log& log, Counter& counter)
      : host_(host), settings_(settings), directory_(directory), log_(log), counter_(counter) {}

  // `user` has read up to `seq`, as far as there is anything. data: Marked. Code 103: not a member.
  Task<Reply> mark(std::string id, std::string user, uint64_t seq);
  // The mark of one who is in. Returns when the store has it; what it does not take is no error.
  Task<> raise(DialogPtr dialog, std::string user, uint64_t seq);

 private:
  Task<> tell_seen(DialogPtr dialog);

  Host host_;
  const Settings& settings_;
  Directory& directory_;
  Log& log_;
  Counter& counter_;
};

// To who is subscribed to the dialog now, and to nobody later: `json` gets no position.
void publish_passing(Host host, const Dialog& dialog, const std::string& user, std::string json);

}  // namespace lcg::dialog
