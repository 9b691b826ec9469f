// SPDX-License-Identifier: Apache-2.0
// Feed: the dialog's side of delivering what is committed (lcg/services/events.hpp), with the setting `events`.
//
// Before the first entry after a rest the service "events" is told that the dialog may grow from here; after entries it
// is told once that there is more, and reads pages until it has caught up. At rest nothing is done and nothing is kept:
// one look at Dialog::mark a send. Lane: the instance's.
#pragma once
#include <string>

#include "directory.h"
#include "lcg/services/events.hpp"
#include "reader.h"
#include "settings.h"
#include "state.h"

namespace lcg::dialog {

class Feed {
 public:
  Feed(Host host, const Settings& settings, Directory& directory, Reader& reader)
      : host_(host), events_(host), settings_(settings), directory_(directory), reader_(reader) {}

  bool needs_mark(const Dialog& dialog) const {
    return settings_.events && dialog.mark != Dialog::Mark::kMarked;
  }
  // LCG_OK: what is appended from here on will be delivered, until needs_mark() says otherwise.
  Task<lcg_status> mark(DialogPtr dialog);
  // The head may have moved.
  void appended(const DialogPtr& dialog);

  // The service methods feed and feed_rest (lcg/services/dialog.hpp).
  Task<Reply> page(std::string id, uint64_t after, uint64_t limit);
  Task<Reply> rest(std::string id, uint64_t at);

 private:
  Task<> tell(std::string id);

  Host host_;
  events::Client events_;
  const Settings& settings_;
  Directory& directory_;
  Reader& reader_;
};

}  // namespace lcg::dialog
