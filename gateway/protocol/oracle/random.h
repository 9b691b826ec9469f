// Random contents for the messages of the oracle's tests. The same seed gives the same contents.
#pragma once
#include <array>
#include <cstdint>
#include <random>
#include <string>

namespace lcg::oracle {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}

  size_t below(size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(engine_); }
  bool flip() { return below(2) == 0; }

  // Small ones, large ones, and the borders of the varint lengths.
  uint64_t number() {
    const uint64_t shifted = engine_() >> below(64);
    return flip() ? shifted : (uint64_t{1} << (7 * below(10))) - below(2);
  }
  uint32_t number32() { return static_cast<uint32_t>(number()); }
  int32_t signed32() { return static_cast<int32_t>(number()); }
  int64_t signed64() { return static_cast<int64_t>(number()); }

  // UTF-8, with what has to be escaped in JSON.
  std::string text(size_t longest = 40) {
    static constexpr std::array<const char*, 12> kParts = {
        "a", "chat:1", "\"", "\\", "\n", "\x01", "/", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "#", " "};
    std::string out;
    for (size_t left = below(longest + 1); left > 0; --left) out += kParts.at(below(kParts.size()));
    return out;
  }
  std::string key() { return text(5) + std::to_string(below(1000)); }
  // "" or one JSON value.
  std::string json() {
    static constexpr std::array<const char*, 8> kValues = {
        "", "null", "true", "-1.5e3", "\"\\u00e9\"", "[]", "{\"a\":[1,{\"b\":\"c\"}]}", "\"\xE2\x82\xAC\""};
    const size_t chosen = below(kValues.size() + 1);
    if (chosen == kValues.size()) return '"' + std::string(below(400), 'x') + '"';
    return kValues.at(chosen);
  }
  std::string bytes() {
    std::string out(below(300), '\0');
    for (char& byte : out) byte = static_cast<char>(engine_());
    return out;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace lcg::oracle
