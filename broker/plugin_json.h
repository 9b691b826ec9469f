// JSON that comes from a plugin is checked once, here, before it becomes a part of lines that clients read.
#pragma once
#include <optional>

#include "base/bytes.h"

namespace lcg::broker {

inline constexpr size_t kMaxPluginJson = 16u << 20;  // bytes

// The value in one line: JSON allows raw newlines between its tokens, a line of the client protocol does not.
// Shares the bytes when there are none. Empty stays empty; nothing: not one JSON value.
std::optional<SharedBytes> one_json_line(SharedBytes json);

}  // namespace lcg::broker
