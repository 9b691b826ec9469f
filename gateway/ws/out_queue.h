// OutQueue: what a connection still owes its client, in order, as shared blocks.
//
// Every block begins at the start of a frame (or, of a stream, of a chunk). An empty queue owns no memory.
#pragma once
#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "gateway/ws/frame.h"

namespace lcg::ws {

class OutQueue {
 public:
  bool empty() const { return bytes_ == 0; }
  size_t bytes() const { return bytes_; }  // not yet sent

  // Appends a block of which the first `sent` bytes are written. REQUIRES: sent < block.size(); 0 unless
  // empty().
  void push(SharedBytes block, size_t sent = 0);

  // Describes the front of the queue for one gathered write; returns how many elements of `out` are filled.
  size_t gather(std::span<iovec> out) const;

  // The first `bytes` of the queue were written. REQUIRES: bytes <= this->bytes()
  void consume(size_t bytes);

  // Drops everything but the rest of a frame that is sent in part, so that another frame may follow.
  // `size_at` tells the size of the frame, or of the chunk, that begins where it is pointed.
  void drop_unsent_frames(size_t (*size_at)(std::string_view) = frame_size_at);

 private:
  std::vector<SharedBytes> blocks_;
  size_t first_ = 0;  // of blocks_, not wholly sent
  size_t sent_ = 0;   // bytes of that block
  size_t bytes_ = 0;
};

}  // namespace lcg::ws
