// SPDX-License-Identifier: Apache-2.0
// History: the pull of a client, authorised, bounded and paid for. Lane: the instance's.
#pragma once
#include <string>

#include "budget.h"
#include "directory.h"
#include "reader.h"
#include "rpc.h"
#include "settings.h"

namespace lcg::dialog {

class History {
 public:
  History(Host host, const Settings& settings, Directory& directory, Reader& reader)
      : host_(host),
        directory_(directory),
        reader_(reader),
        budget_(static_cast<double>(settings.pull_rate), settings.pull_burst) {}

  // from: ascending from there. before: the entries just below. Neither: the newest. At most kMaxPageEntries
  // and kMaxPageBytes, always ascending. Code 111 "retry_after_ms:<n>" when the user asks too much.
  Task<Reply> pull(ClientCall call);

 private:
  Host host_;
  Directory& directory_;
  Reader& reader_;
  Budget budget_;
};

}  // namespace lcg::dialog
