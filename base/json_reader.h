// JsonReader: a strict RFC 8259 pull parser over a view. No tree, no allocation, one pass, no recursion.
//
//   JsonReader r(text);
//   std::string_view key;
//   r.enter_object();
//   while (r.next_member(key)) {
//     if (key == "id") r.read(id);                      // uint32_t: an integer in range or an error
//     else if (key == "data") r.read_raw(data);         // the value's text, checked
//     else r.skip();                                    // or nothing: what is not read is checked and
//     skipped
//   }
//   if (!r.finish()) refuse(r.error_text());
//
// The first error sticks and every later call returns false, so one check at the end is enough.
// Strict: no comments, no trailing commas, no leading zeros, UTF-8 only (RFC 3629), no control characters in
// strings, \u surrogates only in pairs. Equal keys are the caller's business: it sees both, in order.
// Views returned point into the text, or into the buffer that the caller gave.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace lcg {

struct JsonLimits {
  size_t max_bytes = 1 << 20;  // of the text
  unsigned max_depth = 32;     // containers inside each other; at most 64
};

enum class JsonKind : uint8_t { kObject, kArray, kString, kNumber, kBool, kNull, kNone };

enum class JsonError : uint8_t {
  kNone,
  kSyntax,   // not JSON
  kUtf8,     // not UTF-8, or half a surrogate pair
  kDepth,    // over max_depth
  kSize,     // over max_bytes
  kType,     // valid, but not what was asked for
  kRange,    // an integer out of range
  kTooLong,  // a string longer than its buffer
};

class JsonReader {
 public:
  explicit JsonReader(std::string_view text, JsonLimits limits = {});

  // What the next value is, by its first character; kNone at an error or the end.
  JsonKind peek();

  // At an object: goes inside.
  bool enter_object();
  // Inside one: goes to the next member's value and sets its key, or leaves the object and returns false at
  // its end. A key with escapes is decoded and stays valid until the next call; over 256 bytes of it:
  // kTooLong.
  bool next_member(std::string_view& key);

  // As above, for arrays. A container that was entered must be left through its own next_..() before the
  // outer one goes on; finish() leaves all of them.
  bool enter_array();
  bool next_element();

  // The next value must be of the type. Integers: no fraction, no exponent, no "-0" for unsigned.
  bool read(bool& out);
  bool read(uint32_t& out);
  bool read(int32_t& out);
  bool read(uint64_t& out);
  bool read(int64_t& out);
  bool read(double& out);
  // Decodes up to `max_bytes` of UTF-8 into `out`.
  bool read(std::string& out, size_t max_bytes);
  // Up to buffer.size() bytes of UTF-8: a view into the text if there is no escape, else decoded into
  // `buffer`.
  bool read(std::string_view& out, std::span<char> buffer);
  // If the next value is null: takes it. No error if it is another.
  bool take_null();
  // Checks the next value whole and gives its text, without the white space around it.
  bool read_raw(std::string_view& out);
  bool skip();
  // The next value, which is somebody else's: its end is found by its quotes and brackets, whatever else is wrong in
  // it. Then `fault` says what, and all else goes on; null: nothing is, and `out` is as from read_raw(). An error only
  // where quotes and brackets do not pair.
  bool read_payload(std::string_view& out, const char*& fault);
  // A string into `buffer` as above; with a `fault` of what stands in its quotes, `out` is empty. Of another type: an
  // error.
  bool read_text(std::string_view& out, std::span<char> buffer, const char*& fault);

  // True if the outermost value was read to its end and only white space follows. Members not read are
  // checked too.
  bool finish();

  bool ok() const { return error_ == JsonError::kNone; }
  JsonError error() const { return error_; }
  size_t error_offset() const { return static_cast<size_t>(error_at_ - begin_); }
  // "expected ',' or '}' at byte 17"
  std::string error_text() const;

 private:
  static constexpr size_t kMaxEscapedKey = 256;

  bool fail(JsonError error, const char* what);
  void skip_space();
  // A value is due at at_ and is now being read; false at an error.
  bool start_value();
  bool open(bool object);
  void close();
  bool in_object() const { return (objects_ >> (depth_ - 1) & 1) != 0; }
  bool expect_comma_or_close(bool& closed);
  bool scan_value();
  bool forgive(const char* start, unsigned depth, const char*& fault);
  bool pair_brackets();
  bool scan_scalar();
  bool scan_key(std::string_view& body, bool& escaped);
  bool scan_string(std::string_view& body, bool& escaped);
  bool scan_escape();
  bool scan_hex4(unsigned& unit);
  bool scan_number(std::string_view& token, bool& integer);
  bool scan_digits();
  bool scan_word(std::string_view word);
  template <class Int>
  bool read_integer(Int& out);
  bool read_string_body(std::string_view& body, bool& escaped);

  const char* begin_;
  const char* at_;
  const char* end_;
  unsigned max_depth_;
  unsigned depth_ = 0;
  uint64_t objects_ = 0;       // bit d-1: the container at depth d is an object
  bool first_ = false;         // just inside a container
  bool value_pending_ = true;  // a value is due here
  JsonError error_ = JsonError::kNone;
  const char* error_at_;
  const char* error_what_ = "";
  std::array<char, kMaxEscapedKey> key_;
};

// True if `text` is one JSON value and nothing else.
bool validate_json(std::string_view text, JsonLimits limits = {});

// Decodes the inside of a JSON string, quotes excluded, that has been checked already. Appends to `out`.
void decode_json_string(std::string_view body, std::string& out);

// Valid JSON without line breaks between its tokens, so that it can be a line of a newline-delimited
// protocol: `json` itself if it has none, else a copy in `scratch`. (No string can hold a raw line break.)
std::string_view compact_newlines(std::string_view json, std::string& scratch);

}  // namespace lcg
