// Glob: '*' any run of characters, '?' one, everything else itself. No recursion; time is at most the product of the
// lengths, which the caller bounds, and is told in `compared`: how many characters were looked at is added to it.
#pragma once
#include <cstddef>
#include <string_view>

namespace lcg::broker {

inline bool glob_matches(std::string_view pattern, std::string_view text, size_t& compared) {
  size_t at = 0, star = std::string_view::npos, retry = 0, next = 0;
  while (next < text.size()) {
    ++compared;
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      retry = next;
    } else if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[next])) {
      ++at;
      ++next;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      next = ++retry;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace lcg::broker
