// SPDX-License-Identifier: Apache-2.0
// Scrubber: takes what documents said before out of the store's files. RocksDB keeps what was overwritten in its log until
// the memtable is written out, and in its tables until those that hold both versions are merged.
//
// Requests that come together are one run, and one run goes on at a time: it writes memory out once, makes each table
// that has a document of the run anew, and empties the block cache, where blocks of the old tables would stay. So a run
// costs at most one rewriting of the store, however much it is asked for.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <rocksdb/db.h>

namespace lcg::storage_rocksdb {

class Scrubber {
 public:
  class Run {
   public:
    bool over() const { return over_.load(std::memory_order_acquire); }
    // REQUIRES: over(). "": what its documents said before is in no table and no log, once RocksDB has deleted the
    // files it has replaced, which it does at once. Else why not.
    const std::string& failure() const { return failure_; }

   private:
    friend class Scrubber;
    std::vector<std::string> keys_;  // of RocksDB
    bool begun_ = false;
    std::string failure_;
    std::atomic<bool> over_{false};
  };

  explicit Scrubber(rocksdb::DB& db) : db_(db) {}

  // Any thread, these four. The run that begins next takes these documents with it.
  std::shared_ptr<Run> join(std::vector<std::string> keys);
  // True: the caller goes on to run(), or gives back what it took. False: somebody is at it, or another run goes on.
  bool begin(const std::shared_ptr<Run>& run);
  void give_back(const std::shared_ptr<Run>& run);
  // What goes on ends soon, and fails.
  void cancel() { cancelled_.store(true); }

  // A thread that may block, for minutes. REQUIRES: begin() was true.
  void run(const std::shared_ptr<Run>& run);

 private:
  using Range = std::pair<std::string, std::string>;  // both ends included
  // A range a table of the last level: none is made anew twice.
  std::vector<Range> ranges_of(std::vector<std::string> keys) const;
  std::string scrub(std::vector<std::string> keys);

  rocksdb::DB& db_;
  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::shared_ptr<Run> next_;  // nobody has begun it
  bool running_ = false;
};

}  // namespace lcg::storage_rocksdb
