// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/scrubber.h"

#include <algorithm>

#include <rocksdb/cache.h>
#include <rocksdb/table.h>

namespace lcg::storage_rocksdb {

std::shared_ptr<Scrubber::Run> Scrubber::join(std::vector<std::string> keys) {
  const std::lock_guard lock(mutex_);
  if (next_ == nullptr) next_ = std::make_shared<Run>();
  std::move(keys.begin(), keys.end(), std::back_inserter(next_->keys_));
  return next_;
}

bool Scrubber::begin(const std::shared_ptr<Run>& run) {
  const std::lock_guard lock(mutex_);
  if (running_ || run->begun_) return false;
  running_ = run->begun_ = true;
  if (next_ == run) next_.reset();
  return true;
}

void Scrubber::give_back(const std::shared_ptr<Run>& run) {
  const std::lock_guard lock(mutex_);
  running_ = run->begun_ = false;
}

void Scrubber::run(const std::shared_ptr<Run>& run) {
  run->failure_ = scrub(std::move(run->keys_));
  const std::lock_guard lock(mutex_);
  running_ = false;
  run->over_.store(true, std::memory_order_release);
}

std::vector<Scrubber::Range> Scrubber::ranges_of(std::vector<std::string> keys) const {
  std::vector<rocksdb::LiveFileMetaData> tables;
  db_.GetLiveFilesMetaData(&tables);
  int last_level = 0;
  for (const auto& table : tables) last_level = std::max(last_level, table.level);
  std::vector<std::string> ends;
  for (auto& table : tables)
    if (table.level == last_level) ends.push_back(std::move(table.largestkey));
  std::sort(ends.begin(), ends.end());
  std::sort(keys.begin(), keys.end());

  std::vector<Range> ranges;
  auto table = ends.cend();
  for (std::string& key : keys) {
    const auto its_table = std::lower_bound(ends.cbegin(), ends.cend(), key);
    if (!ranges.empty() && its_table == table) {
      ranges.back().second = std::move(key);
      continue;
    }
    table = its_table;
    ranges.emplace_back(key, key);
  }
  return ranges;
}

std::string Scrubber::scrub(std::vector<std::string> keys) {
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = false;  // it waits until commits would not be held up
  if (const rocksdb::Status s = db_.Flush(flush); !s.ok()) return s.ToString();
  rocksdb::CompactRangeOptions compact;
  compact.exclusive_manual_compaction = false;
  compact.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  compact.canceled = &cancelled_;
  for (const auto& [first, last] : ranges_of(std::move(keys))) {
    const rocksdb::Slice begin(first), end(last);
    if (const rocksdb::Status s = db_.CompactRange(compact, &begin, &end); !s.ok()) return s.ToString();
  }
  const auto tables = db_.GetOptions().table_factory;
  const auto* options = tables->GetOptions<rocksdb::BlockBasedTableOptions>();
  if (options != nullptr && options->block_cache != nullptr) options->block_cache->EraseUnRefEntries();
  return {};
}

}  // namespace lcg::storage_rocksdb
