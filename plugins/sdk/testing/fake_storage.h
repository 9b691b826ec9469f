// SPDX-License-Identifier: Apache-2.0
// fake_storage.h: the service "storage" in memory, with all its semantics and a power switch.
//
// It keeps two images: what a reader sees, and what is on stable storage. A durable batch makes everything
// acknowledged before it stable too. crash() falls back to the stable image plus the first few batches after
// it, because what a power loss keeps of a log is a prefix. Lane: one thread.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lcg/reply.hpp"
#include "lcg/services/storage_wire.hpp"

namespace lcg::testing {

class FakeStorage {
 public:
  // The service: methods commit, get and scan.
  Reply handle(const ServiceCall& call);

  // Loses what is not stable but the first `keep_unsynced` batches after it.
  void crash(size_t keep_unsynced = 0);
  // Batches acknowledged after the last durable one.
  size_t unsynced() const noexcept { return since_durable_.size(); }
  // A full disk: commits answer LCG_E_UNAVAILABLE, reads go on.
  void refuse_writes(bool refuse) noexcept { refuse_writes_ = refuse; }

  // For assertions.
  std::optional<std::string> find(const std::string& partition, const std::string& collection,
                                  const std::string& key) const;
  std::vector<storage::Row> rows(const std::string& partition, const std::string& collection) const;
  // Every partition that has a row in the collection.
  std::vector<std::string> partitions(const std::string& collection) const;
  uint64_t commits() const noexcept { return commits_; }
  uint64_t durable_commits() const noexcept { return durable_commits_; }

 private:
  // (collection, partition) -> key -> value; std::string orders as unsigned bytes.
  using Image = std::map<std::pair<std::string, std::string>, std::map<std::string, std::string>>;
  struct Applied {
    std::string partition;
    std::vector<storage::Op> ops;
  };

  Reply commit(const ServiceCall& call);
  Reply get(const ServiceCall& call) const;
  Reply scan(const ServiceCall& call) const;
  static void apply(Image& image, const Applied& batch);

  Image live_, durable_;
  std::vector<Applied> since_durable_;
  std::map<uint32_t, uint64_t> term_of_slot_;
  bool refuse_writes_ = false;
  uint64_t commits_ = 0, durable_commits_ = 0;
};

}  // namespace lcg::testing
