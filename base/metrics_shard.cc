#include "base/metrics_shard.h"

#include <atomic>

namespace lcg::metrics {
namespace {

constexpr unsigned kUnbound = ~0u;
thread_local unsigned t_shard = kUnbound;
std::atomic<unsigned> next_from_top{0};

}  // namespace

void bind_thread_to_shard(unsigned shard) { t_shard = shard % kShards; }

unsigned thread_shard() {
  // Pool threads and main take shards from the top, away from the lanes'.
  if (t_shard == kUnbound) t_shard = kShards - 1 - next_from_top.fetch_add(1) % kShards;
  return t_shard;
}

}  // namespace lcg::metrics
