#include "broker/channel/fossil_delta.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace lcg::broker {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
constexpr size_t kWindow = 8;           // bytes that must agree before a place is looked at
constexpr size_t kMaxIndexed = 16'384;  // places of a source: one byte apart up to that size, further above
constexpr unsigned kMaxProbes = 8;
constexpr uint32_t kNoPlace = UINT32_MAX;

uint64_t window_at(std::string_view text, size_t at) {
  uint64_t window = 0;
  std::memcpy(&window, text.data() + at, sizeof window);
  return window;
}

size_t hash(uint64_t window, unsigned bits) {
  return static_cast<size_t>((window * 0x9E37'79B1'85EB'CA87u) >> (64 - bits));
}

size_t digits_of(size_t number) { return number == 0 ? 1 : (std::bit_width(number) + 5) / 6; }

void put_number(std::string& out, size_t number) {
  for (size_t left = digits_of(number); left-- > 0;) out.push_back(kDigits[number >> (6 * left) & 63]);
}

uint32_t checksum(std::string_view text) {
  uint32_t sum = 0;
  for (; text.size() >= 4; text.remove_prefix(4)) {
    uint32_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    sum += std::endian::native == std::endian::little ? __builtin_bswap32(word) : word;
  }
  for (size_t i = 0; i < text.size(); ++i)
    sum += uint32_t{static_cast<unsigned char>(text[i])} << (24 - 8 * i);
  return sum;
}

size_t common_prefix(std::string_view a, std::string_view b) {
  const size_t end = std::min(a.size(), b.size());
  size_t size = 0;
  while (size + kWindow <= end && window_at(a, size) == window_at(b, size)) size += kWindow;
  while (size < end && a[size] == b[size]) ++size;
  return size;
}

bool inside_character(std::string_view text, size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

void put_insert(std::string& out, std::string_view bytes) {
  if (bytes.empty()) return;
  put_number(out, bytes.size());
  out.append(1, ':').append(bytes);
}

// A number, digit by digit; nothing: no digit, or over 32 bits.
std::optional<uint32_t> take_number(std::string_view& delta) {
  uint64_t number = 0;
  size_t size = 0;
  for (; size < delta.size(); ++size) {
    const size_t digit = kDigits.find(delta[size]);
    if (digit == std::string_view::npos) break;
    number = number << 6 | digit;
    if (number > UINT32_MAX) return std::nullopt;
  }
  if (size == 0) return std::nullopt;
  delta.remove_prefix(size);
  return static_cast<uint32_t>(number);
}

bool take(std::string_view& delta, char expected) {
  if (delta.empty() || delta.front() != expected) return false;
  delta.remove_prefix(1);
  return true;
}

}  // namespace

void DeltaMaker::index(std::string_view source) {
  stride_ = (source.size() + kMaxIndexed - 1) / kMaxIndexed;
  const size_t places = (source.size() - kWindow) / stride_ + 1;
  hash_bits_ = std::max(6u, static_cast<unsigned>(std::bit_width(places)));
  newest_.assign(size_t{1} << hash_bits_, kNoPlace);
  earlier_.resize(std::max(earlier_.size(), places));
  for (size_t place = 0; place < places; ++place) {
    uint32_t& newest = newest_[hash(window_at(source, place * stride_), hash_bits_)];
    earlier_[place] = std::exchange(newest, static_cast<uint32_t>(place));
  }
}

// The longest that holds target[at], reaching back over what is not `written` yet. `expected` is the source's
// place if nothing has been put in or taken out since the last copy. Size 0: none that is worth its command.
DeltaMaker::Match DeltaMaker::best_match(std::string_view source, std::string_view target, size_t at,
                                         size_t written, size_t expected) const {
  const uint64_t window = window_at(target, at);
  Match best;
  const auto look = [&](size_t place) {
    if (place + kWindow > source.size() || window_at(source, place) != window) return;
    const size_t forward = common_prefix(source.substr(place), target.substr(at));
    const size_t most = std::min(place, at - written);
    size_t back = 0;
    while (back < most && source[place - back - 1] == target[at - back - 1]) ++back;
    if (back + forward > best.size) best = {place - back, at - back, back + forward};
  };
  look(expected);
  uint32_t place = newest_[hash(window, hash_bits_)];
  for (unsigned probes = 0; place != kNoPlace && probes < kMaxProbes; ++probes, place = earlier_[place])
    look(place * stride_);
  if (best.size == 0) return best;

  // To whole characters; text that has more than three such bytes in a row is no UTF-8 anyway.
  for (unsigned i = 0; i < 3 && best.size > 0 && inside_character(target, best.target); ++i)
    best = {best.source + 1, best.target + 1, best.size - 1};
  for (unsigned i = 0; i < 3 && best.size > 0 && inside_character(target, best.target + best.size); ++i)
    --best.size;
  const size_t literal = best.target - written;
  const size_t cost =
      digits_of(best.size) + digits_of(best.source) + 2 + (literal > 0 ? digits_of(literal) + 1 : 0);
  if (best.size <= cost) best.size = 0;
  return best;
}

bool DeltaMaker::make(std::string_view source, std::string_view target, std::string& out) {
  out.clear();
  if (source.size() < kWindow || target.size() < kWindow) return false;
  if (source.size() > kMaxDeltaText || target.size() > kMaxDeltaText) return false;
  index(source);
  put_number(out, target.size());
  out.push_back('\n');
  size_t written = 0;   // of the target
  size_t expected = 0;  // the source's place of target[written], as far as the last copy tells
  for (size_t at = 0; at + kWindow <= target.size() && out.size() < target.size();) {
    const Match match = best_match(source, target, at, written, expected + (at - written));
    if (match.size == 0) {
      ++at;
      continue;
    }
    put_insert(out, target.substr(written, match.target - written));
    put_number(out, match.size);
    out.push_back('@');
    put_number(out, match.source);
    out.push_back(',');
    at = written = match.target + match.size;
    expected = match.source + match.size;
  }
  put_insert(out, target.substr(written));
  put_number(out, checksum(target));
  out.push_back(';');
  return out.size() < target.size();
}

std::optional<std::string> apply_fossil_delta(std::string_view source, std::string_view delta,
                                              size_t max_size) {
  const std::optional<uint32_t> size = take_number(delta);
  if (!size || *size > max_size || !take(delta, '\n')) return std::nullopt;
  std::string out;
  out.reserve(*size);
  while (true) {
    const std::optional<uint32_t> number = take_number(delta);
    if (!number) return std::nullopt;
    if (take(delta, ';')) {
      if (!delta.empty() || out.size() != *size || *number != checksum(out)) return std::nullopt;
      return out;
    }
    if (*number > *size - out.size()) return std::nullopt;
    if (take(delta, ':')) {
      if (*number > delta.size()) return std::nullopt;
      out.append(delta.substr(0, *number));
      delta.remove_prefix(*number);
    } else if (take(delta, '@')) {
      const std::optional<uint32_t> offset = take_number(delta);
      if (!offset || !take(delta, ',')) return std::nullopt;
      if (*offset > source.size() || *number > source.size() - *offset) return std::nullopt;
      out.append(source.substr(*offset, *number));
    } else {
      return std::nullopt;
    }
  }
}

}  // namespace lcg::broker
