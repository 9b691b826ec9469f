// JsonReader against any bytes: validation, pull reading and re-writing must agree with each other.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// Copies the value at the reader through every typed accessor. False once the reader has failed.
bool copy_value(lcg::JsonReader& in, lcg::JsonWriter& out) {
  std::string_view view;
  std::string text;
  switch (in.peek()) {
    case lcg::JsonKind::kObject:
      if (!in.enter_object()) return false;
      out.begin_object();
      while (in.next_member(view)) {
        out.key_escaped(view);
        if (!copy_value(in, out)) return false;
      }
      out.end_object();
      return in.ok();
    case lcg::JsonKind::kArray:
      if (!in.enter_array()) return false;
      out.begin_array();
      while (in.next_element()) {
        if (!copy_value(in, out)) return false;
      }
      out.end_array();
      return in.ok();
    case lcg::JsonKind::kString:
      if (!in.read(text, 1 << 20)) return false;
      out.value(text);
      return true;
    case lcg::JsonKind::kBool: {
      bool flag = false;
      if (!in.read(flag)) return false;
      out.value(flag);
      return true;
    }
    case lcg::JsonKind::kNull:
      if (!in.take_null()) return false;
      out.null();
      return true;
    default:
      if (!in.read_raw(view)) return false;
      out.raw(view);
      return true;
  }
}

void read_as_integers(std::string_view text) {
  uint32_t u32 = 0;
  int64_t i64 = 0;
  uint64_t u64 = 0;
  double real = 0;
  bool fits32 = lcg::JsonReader(text).read(u32);
  bool fits64 = lcg::JsonReader(text).read(u64);
  bool is_signed = lcg::JsonReader(text).read(i64);
  check(!fits32 || (fits64 && is_signed && u64 == u32 && i64 == u32));
  check(!(fits64 || is_signed) || lcg::JsonReader(text).read(real));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  bool valid = lcg::validate_json(text);

  lcg::JsonReader reader(text);
  std::string copy;
  lcg::JsonWriter writer(copy);
  bool copied = copy_value(reader, writer) && reader.finish();
  check(!copied || (valid && lcg::validate_json(copy)));
  // Only an overlong escaped key may be valid and yet not readable.
  check(copied || !valid || reader.error() == lcg::JsonError::kTooLong);
  check(copied || reader.error() != lcg::JsonError::kNone);
  check(reader.error_offset() <= size);

  std::string scratch;
  if (valid) {
    std::string_view line = lcg::compact_newlines(text, scratch);
    check(lcg::validate_json(line));
    check(line.find('\n') == std::string_view::npos);
  }

  std::array<char, 64> buffer;
  std::string_view out;
  lcg::JsonReader(text).read(out, buffer);
  read_as_integers(text);
  return 0;
}
