// SPDX-License-Identifier: Apache-2.0
// wire.hpp: how the typed service clients put values into a call's bytes.
//
// A message is a version byte and then fields in a fixed order: an integer is a LEB128 varint, a string its
// length and its bytes. A newer version only ever appends fields; a reader takes what it knows and ignores
// the rest. Reading past the end, or a length past the end, makes ok() false and every later field empty:
// check ok() once after the last field. No I/O, no allocation but the output string.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lcg::wire {

inline constexpr char kVersion = 1;

class Writer {
 public:
  Writer() { out_.push_back(kVersion); }

  Writer& u64(uint64_t value) {
    while (value >= 0x80) {
      out_.push_back(static_cast<char>((value & 0x7f) | 0x80));
      value >>= 7;
    }
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& boolean(bool value) { return u64(value ? 1 : 0); }
  Writer& str(std::string_view value) {
    u64(value.size());
    out_.append(value);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view data) : rest_(data) {
    if (rest_.empty() || rest_.front() < kVersion) {
      ok_ = false;
      rest_ = {};
    } else {
      rest_.remove_prefix(1);
    }
  }

  uint64_t u64() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (rest_.empty()) return fail();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    return fail();
  }
  bool boolean() { return u64() != 0; }
  // Borrows from the input.
  std::string_view str() {
    const uint64_t size = u64();
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const std::string_view value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return value;
  }
  // A count of elements that follow, each at least one byte: refused when the input cannot hold them.
  uint64_t count() {
    const uint64_t n = u64();
    return n <= rest_.size() ? n : fail();
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace lcg::wire
