// Unmasking of client payloads (RFC 6455 5.3), in place, eight bytes a step in a form compilers turn into
// vector code.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace lcg::ws {

// XORs `size` bytes with the four mask bytes `mask` (in the order of the wire), beginning with mask byte
// `phase` mod 4.
inline void unmask(char* data, size_t size, const char (&mask)[4], size_t phase) {
  char turned[8];
  for (size_t i = 0; i < sizeof turned; ++i) turned[i] = mask[(phase + i) & 3];
  uint64_t word;
  std::memcpy(&word, turned, sizeof word);
  if (word == 0) return;

  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t chunk;
    std::memcpy(&chunk, data + i, sizeof chunk);
    chunk ^= word;
    std::memcpy(data + i, &chunk, sizeof chunk);
  }
  for (size_t k = 0; i < size; ++i, ++k) data[i] = static_cast<char>(data[i] ^ turned[k]);
}

}  // namespace lcg::ws
