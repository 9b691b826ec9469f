// SharedBytes: an immutable payload with an atomic reference count, so that one copy serves every subscriber
// on every lane. Copying is one atomic increment; an empty one owns nothing.
#pragma once
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

namespace lcg {

class SharedBytes {
 public:
  SharedBytes() = default;
  // Copies `data` once.
  explicit SharedBytes(std::string_view data) {
    if (data.empty()) return;
    block_ = allocate(data.size());
    std::memcpy(block_->bytes(), data.data(), data.size());
  }
  // Makes a block of `size` bytes and lets `fill(char*)` write all of them before anyone shares it.
  template <class Fill>
  static SharedBytes build(size_t size, Fill&& fill) {
    SharedBytes out;
    if (size == 0) return out;
    out.block_ = allocate(size);
    fill(out.block_->bytes());
    return out;
  }
  SharedBytes(const SharedBytes& other) : block_(other.block_) {
    if (block_ != nullptr) block_->refs.fetch_add(1, std::memory_order_relaxed);
  }
  SharedBytes(SharedBytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~SharedBytes() {
    if (block_ != nullptr && block_->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      block_->~Block();
      ::operator delete(block_);
    }
  }

  std::string_view view() const {
    return block_ == nullptr ? std::string_view() : std::string_view(block_->bytes(), block_->size);
  }
  size_t size() const { return block_ == nullptr ? 0 : block_->size; }
  bool empty() const { return block_ == nullptr; }

 private:
  struct Block {
    explicit Block(size_t n) : size(n) {}
    char* bytes() { return reinterpret_cast<char*>(this + 1); }
    std::atomic<uint32_t> refs{1};
    size_t size;
  };
  static Block* allocate(size_t size) { return ::new (::operator new(sizeof(Block) + size)) Block(size); }
  Block* block_ = nullptr;
};

}  // namespace lcg
