#include "gateway/ws/out_queue.h"

#include <utility>

namespace lcg::ws {

void OutQueue::push(SharedBytes block, size_t sent) {
  if (empty()) sent_ = sent;
  bytes_ += block.size() - sent;
  // Forget what is sent once it is the larger part: constant time a block on average.
  if (first_ > blocks_.size() / 2) {
    blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
  blocks_.push_back(std::move(block));
}

size_t OutQueue::gather(std::span<iovec> out) const {
  size_t count = 0;
  size_t skip = sent_;
  for (size_t i = first_; i < blocks_.size() && count < out.size(); ++i, ++count) {
    const std::string_view view = blocks_[i].view().substr(skip);
    skip = 0;
    out[count] = {const_cast<char*>(view.data()), view.size()};  // sendmsg does not write to it
  }
  return count;
}

void OutQueue::consume(size_t bytes) {
  bytes_ -= bytes;
  if (bytes_ == 0) {
    blocks_ = {};
    first_ = sent_ = 0;
    return;
  }
  sent_ += bytes;
  while (sent_ >= blocks_[first_].size()) {
    sent_ -= blocks_[first_].size();
    blocks_[first_++] = SharedBytes();
  }
}

void OutQueue::drop_unsent_frames(size_t (*size_at)(std::string_view)) {
  if (empty()) return;
  const std::string_view block = blocks_[first_].view();
  size_t end = 0;  // of the frame that holds byte sent_ - 1
  while (end < sent_) end += size_at(block.substr(end));
  const size_t sent = sent_;
  SharedBytes keep = end > sent ? SharedBytes(block.substr(0, end)) : SharedBytes();
  blocks_ = {};
  first_ = sent_ = bytes_ = 0;
  if (!keep.empty()) push(std::move(keep), sent);
}

}  // namespace lcg::ws
