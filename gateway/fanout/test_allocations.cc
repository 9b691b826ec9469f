#include "gateway/fanout/test_allocations.h"

#include <cstdlib>
#include <new>

namespace {
size_t count = 0;
}

// Apart from the code that is counted, so that nothing of them is inlined there.
void* operator new(size_t size) {
  ++count;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace lcg::gateway {

size_t allocations() { return count; }

}  // namespace lcg::gateway
