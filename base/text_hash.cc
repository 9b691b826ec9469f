#include "base/text_hash.h"

#include <xxhash.h>

namespace lcg {
namespace {

uint64_t process_seed = 0;  // written once, while there is one thread

}  // namespace

uint64_t text_hash(std::string_view text) {
  return XXH3_64bits_withSeed(text.data(), text.size(), process_seed);
}

void seed_text_hash(uint64_t seed) { process_seed = seed; }

}  // namespace lcg
