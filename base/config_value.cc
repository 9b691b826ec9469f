// From a scalar's text to values and back, and what messages are made of.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "base/config.h"
#include "base/config_tree.h"
#include "plugins/sdk/include/lcg/trusted_path.hpp"

namespace lcg::config {
namespace {

template <class T>
std::optional<T> convert(std::string_view text) {
  if (text.starts_with('+')) return std::nullopt;
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Unit {
  std::string_view name;
  uint64_t factor;
};
constexpr std::array<Unit, 4> kSizeUnits = {{{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}};
constexpr std::array<Unit, 5> kTimeUnits = {
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};

// Digits and then a unit of the table, nothing else.
template <size_t N>
std::optional<uint64_t> with_unit(std::string_view text, const std::array<Unit, N>& units) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::optional<uint64_t> number = to_unsigned(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name != text.substr(digits)) continue;
    if (*number > UINT64_MAX / unit.factor) return std::nullopt;
    return *number * unit.factor;
  }
  return std::nullopt;
}

template <size_t N>
std::string show_with_unit(uint64_t value, const std::array<Unit, N>& units) {
  const Unit* chosen = &units[0];
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) chosen = &unit;
  }
  return std::to_string(value / chosen->factor) + std::string(chosen->name);
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0u : 1u);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

// "history_ttl", "0", "#". No setting has capital letters or more than a few digits, as keys and tokens have.
bool looks_like_setting(std::string_view key) {
  constexpr size_t kMaxSetting = 40, kMaxDigits = 4;
  size_t digits = 0;
  for (const char c : key) {
    if (c >= '0' && c <= '9')
      ++digits;
    else if (!((c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '#'))
      return false;
  }
  return key.size() <= kMaxSetting && digits <= kMaxDigits;
}

}  // namespace

std::string told_path(std::string_view path) {
  std::string out;
  for (size_t at = 0; at <= path.size();) {
    const size_t end = std::min(path.find('.', at), path.size());
    const std::string_view key = path.substr(at, end - at);
    if (at != 0) out.push_back('.');
    out.append(looks_like_setting(key) ? std::string(key)
                                       : "(a key of " + std::to_string(key.size()) + " bytes)");
    at = end + 1;
  }
  return out;
}

bool leading_zero(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

bool looks_like_number(std::string_view text) {
  const auto skip = [&text](std::string_view of, size_t most) {
    const size_t n = std::min(text.find_first_not_of(of), text.size());
    if (n <= most) text.remove_prefix(n);
    return n != 0;
  };
  skip("+-", 1);
  const bool digits = skip("0123456789.", 24);
  skip(" ", 1);
  skip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 3);
  return digits && text.empty();
}

std::optional<int64_t> to_signed(std::string_view text) {
  return leading_zero(text) ? std::nullopt : convert<int64_t>(text);
}

std::optional<uint64_t> to_unsigned(std::string_view text) {
  return leading_zero(text) ? std::nullopt : convert<uint64_t>(text);
}

std::optional<double> to_real(std::string_view text) {
  if (leading_zero(text)) return std::nullopt;
  std::optional<double> value = convert<double>(text);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<bool> to_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return std::nullopt;
}

std::optional<uint64_t> to_bytes(std::string_view text) {
  std::optional<uint64_t> plain = to_unsigned(text);
  return plain ? plain : with_unit(text, kSizeUnits);
}

std::optional<Millis> to_duration(std::string_view text) {
  if (text == "0") return Millis(0);
  std::optional<uint64_t> ms = with_unit(text, kTimeUnits);
  if (!ms || *ms > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return Millis(static_cast<int64_t>(*ms));
}

std::string show_bytes(uint64_t bytes) { return show_with_unit(bytes, kSizeUnits); }

std::string show_duration(Millis duration) {
  return show_with_unit(static_cast<uint64_t>(std::max<int64_t>(duration.count(), 0)), kTimeUnits);
}

std::string closest(std::string_view word, const std::vector<std::string>& words) {
  std::string best;
  size_t best_distance = word.size() / 3 + 2;  // exclusive
  if (word.size() > 100) return best;
  for (const std::string& candidate : words) {
    if (candidate.size() > 100) continue;
    size_t distance = edit_distance(word, candidate);
    if (distance < best_distance && distance < candidate.size()) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::optional<std::string> read_file(const std::string& path, size_t limit, std::string& error) {
  const TrustedPath trusted = trusted_path(path);
  if (!trusted.ok() && trusted.error == 0) {
    error = "refused: " + trusted.why;
    return std::nullopt;
  }
  errno = trusted.error;
  int fd = trusted.ok() ? ::open(trusted.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW) : -1;
  if (fd < 0) {
    error = "cannot open '" + path + "': " + std::strerror(errno);
    return std::nullopt;
  }
  std::string text(limit + 1, '\0');
  size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = ::read(fd, text.data() + size, text.size() - size)) != 0) {
    if (got > 0) {
      size += static_cast<size_t>(got);
    } else if (errno != EINTR) {
      break;
    }
  }
  int failure = got < 0 ? errno : 0;
  ::close(fd);
  if (failure != 0) {
    error = "cannot read '" + path + "': " + std::strerror(failure);
    return std::nullopt;
  }
  if (size > limit) {
    error = "'" + path + "' is over " + show_bytes(limit);
    return std::nullopt;
  }
  text.resize(size);
  return text;
}

bool has_substitution(const std::string& text) {
  return text.find("${env:") != std::string::npos || text.find("${file:") != std::string::npos;
}

std::optional<std::string> substitute(const std::string& text, const std::string& folder,
                                      std::string& error) {
  size_t at = text.find("${");
  if (at == std::string::npos) return text;
  std::string out;
  size_t done = 0;
  for (; at != std::string::npos; at = text.find("${", done)) {
    out.append(text, done, at - done);
    if (!out.empty() && at > done && out.back() == '$') {  // "$${"
      out.append("{");
      done = at + 2;
      continue;
    }
    size_t end = text.find('}', at);
    if (end == std::string::npos) {
      error = "'${' without '}' (write '$${' for the characters themselves)";
      return std::nullopt;
    }
    std::string inside = text.substr(at + 2, end - at - 2);
    if (inside.starts_with("env:")) {
      const char* value = std::getenv(inside.c_str() + 4);
      if (value == nullptr) {
        error = "the environment has no variable '" + inside.substr(4) + "'";
        return std::nullopt;
      }
      out.append(value);
    } else if (inside.starts_with("file:")) {
      std::string path = inside.substr(5);
      if (!path.starts_with('/')) path.insert(0, folder + "/");
      std::optional<std::string> content = read_file(path, kMaxIncluded, error);
      if (!content) return std::nullopt;
      if (content->ends_with('\n')) content->pop_back();
      if (content->ends_with('\r')) content->pop_back();
      out.append(*content);
    } else {
      error = "expected ${env:NAME} or ${file:path} after '$' (write '$${' for the characters themselves)";
      return std::nullopt;
    }
    done = end + 1;
  }
  out.append(text, done);
  return out;
}

}  // namespace lcg::config
