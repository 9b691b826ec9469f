// Which shard of every metric the calling thread writes: its lane's number, or one handed out to other
// threads.
#pragma once

namespace lcg::metrics {

inline constexpr unsigned kShards = 16;  // lanes beyond share one: still correct, only slower

namespace internal {
inline constexpr unsigned kUnbound = ~0u;
inline constinit thread_local unsigned t_shard = kUnbound;
unsigned assign_shard();
}  // namespace internal

// Lanes call this once, first thing on their thread.
inline void bind_thread_to_shard(unsigned shard) { internal::t_shard = shard % kShards; }

inline unsigned thread_shard() {
  unsigned shard = internal::t_shard;
  return shard != internal::kUnbound ? shard : internal::assign_shard();
}

}  // namespace lcg::metrics
