#include "broker/api/bus.h"

#include <xxhash.h>

#include <charconv>

namespace lcg {

uint32_t slot_of_key(std::string_view key, uint32_t slot_count) {
  if (key.size() > 1 && key.front() == '@') {
    uint32_t slot = 0;
    const auto [end, error] = std::from_chars(key.data() + 1, key.data() + key.size(), slot);
    if (error == std::errc() && end == key.data() + key.size() && slot < slot_count) return slot;
  }
  return static_cast<uint32_t>(XXH3_64bits(key.data(), key.size()) % slot_count);
}

std::string_view key_of_channel(std::string_view channel, bool has_provider) {
  if (has_provider) {
    const size_t boundary = channel.find(':');
    return boundary == std::string_view::npos ? channel : channel.substr(boundary + 1);
  }
  if (channel.size() > 1 && channel.front() == '#' && channel.find(',') == std::string_view::npos)
    return channel.substr(1);
  return channel;
}

}  // namespace lcg
