// text_hash: the hash of names in tables. Names come from clients, who could choose them to collide: the server seeds
// it by chance at its start, before it reads anything. Unseeded, as in tests and simulations, every run is the same.
#pragma once
#include <cstdint>
#include <string_view>

namespace lcg {

// XXH3. Every bit of the result depends on all of the text.
uint64_t text_hash(std::string_view text);

// Before the first table is made.
void seed_text_hash(uint64_t seed);

struct TextHash {
  using is_transparent = void;
  uint64_t operator()(std::string_view text) const { return text_hash(text); }
};

}  // namespace lcg
