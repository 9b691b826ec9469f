// SimStore: the service "storage" in memory, as a disk that outlives the process that writes it.
//
// It keeps what a reader sees apart from what is on stable storage. A durable batch makes everything before
// it stable too; crash() falls back to the stable part and the first few batches after it, because what a
// power loss keeps of a log is a prefix. Terms fence as the service promises. One thread.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/lcg_plugin.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::sim {

class SimStore {
 public:
  struct Request {
    std::string method, partition, data;
    uint32_t slot = 0;
    uint64_t term = 0;
  };
  struct Answer {
    lcg_status status = LCG_OK;
    std::string data;
  };
  // commit, get and scan.
  Answer serve(const Request& request);

  // Loses what is not stable but the first `keep` batches after it.
  void crash(size_t keep);
  size_t unsynced() const { return since_stable_.size(); }
  // A full disk: commits are refused, reads go on.
  void refuse_writes(bool refuse) { refuse_writes_ = refuse; }

  // A disk that says "durable" and is not: what a run must be able to notice.
  void lie(bool lies) { lies_ = lies; }

  // (partition, key) of every row of a collection.
  std::vector<std::pair<std::string, std::string>> keys(const std::string& collection) const;

 private:
  using Table = std::map<std::string, std::string>;                    // key -> value, by unsigned bytes
  using Image = std::map<std::pair<std::string, std::string>, Table>;  // (collection, partition)
  struct Batch {
    std::string partition;
    std::vector<storage::Op> ops;
  };
  Answer commit(const Request& request);
  Answer scan(const Request& request) const;
  const std::string* find(const std::string& partition, const std::string& collection,
                          const std::string& key) const;
  static void apply(Image& image, const Batch& batch);

  Image live_, stable_;
  std::vector<Batch> since_stable_;
  std::map<uint32_t, uint64_t> term_of_slot_;
  bool refuse_writes_ = false, lies_ = false;
};

}  // namespace lcg::sim
