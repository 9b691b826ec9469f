// SPDX-License-Identifier: Apache-2.0
// History: the pull of a client, authorised, bounded and paid for. Lane: the instance's.
#pragma once
#include <string>
#include <unordered_map>

#include "directory.h"
#include "reader.h"
#include "rpc.h"
#include "settings.h"

namespace lcg::dialog {

// A bucket for each user that refills with time.
class PullBudget {
 public:
  PullBudget(uint64_t rate, uint64_t burst)
      : rate_(static_cast<double>(rate)), burst_(static_cast<double>(burst)) {}
  // 0: paid. Else the milliseconds to wait.
  uint64_t pay(const std::string& user, double cost, int64_t now_ns);

 private:
  static constexpr size_t kMaxUsers = 65'536;  // full buckets make room first
  struct Bucket {
    double level = 0;
    int64_t at_ns = 0;
  };
  const double rate_, burst_;
  std::unordered_map<std::string, Bucket> buckets_;
};

class History {
 public:
  History(Host host, const Settings& settings, Directory& directory, Reader& reader)
      : host_(host),
        directory_(directory),
        reader_(reader),
        budget_(settings.pull_rate, settings.pull_burst) {}

  // from: ascending from there. before: the entries just below. Neither: the newest. At most kMaxPageEntries
  // and kMaxPageBytes, always ascending. Code 111 "retry_after_ms:<n>" when the user asks too much.
  Task<Reply> pull(ClientCall call);

 private:
  Host host_;
  Directory& directory_;
  Reader& reader_;
  PullBudget budget_;
};

}  // namespace lcg::dialog
