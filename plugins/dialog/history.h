// SPDX-License-Identifier: Apache-2.0
// History: the pull of a client, authorised, bounded and paid for. Lane: the instance's.
#pragma once
#include "directory.h"
#include "pull_budget.h"
#include "reader.h"
#include "rpc.h"

namespace lcg::dialog {

class History {
 public:
  History(Directory& directory, Reader& reader, PullBudget& budget)
      : directory_(directory), reader_(reader), budget_(budget) {}

  // from: ascending from there. before: the entries just below. Neither: the newest. At most kMaxPageEntries
  // and kMaxPageBytes, always ascending. Code 111 "retry_after_ms:<n>" when the user asks too much.
  Task<Reply> pull(ClientCall call);

 private:
  Directory& directory_;
  Reader& reader_;
  PullBudget& budget_;
};

}  // namespace lcg::dialog
