// Which shard of every metric the calling thread writes: its lane's number, or one handed out to other
// threads.
#pragma once

namespace lcg::metrics {

inline constexpr unsigned kShards = 64;  // lanes beyond share one; still correct, only slower

// Lanes call this once, first thing on their thread.
void bind_thread_to_shard(unsigned shard);
unsigned thread_shard();

}  // namespace lcg::metrics
