// How many times operator new was called in a test binary that links test_allocations.cc.
#pragma once
#include <cstddef>

namespace lcg::gateway {

size_t allocations();

}  // namespace lcg::gateway
