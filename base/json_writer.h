// JsonWriter: appends JSON to a string the caller owns; commas come by themselves.
//
//   JsonWriter w(out);
//   w.begin_object().field("id", 7u).key("data").raw(data).end_object();   // {"id":7,"data":...}
//
// Nothing is checked but what costs nothing: the caller balances its brackets. Strings always come out as
// valid UTF-8 JSON: what is not UTF-8 in them becomes U+FFFD.
#pragma once
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace lcg {

// Appends `text` with its quotes. Control characters are escaped; the rest stays as it is.
void append_json_string(std::string& out, std::string_view text);

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  // `name` is a literal of ours: plain ASCII that needs no escape. For others: key_escaped().
  JsonWriter& key(std::string_view name) {
    separate();
    out_.push_back('"');
    out_.append(name).append("\":");
    comma_ = false;
    return *this;
  }
  JsonWriter& key_escaped(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_.push_back(':');
    comma_ = false;
    return *this;
  }

  JsonWriter& value(std::string_view text) {
    separate();
    append_json_string(out_, text);
    return *this;
  }
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  template <std::integral Int>
  requires(!std::same_as<Int, bool> && !std::same_as<Int, char>) JsonWriter& value(Int number) {
    char digits[24];
    auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
    return raw({digits, static_cast<size_t>(end - digits)});
  }
  // Shortest form that reads back the same; REQUIRES: finite.
  JsonWriter& value(double number);
  JsonWriter& null() { return raw("null"); }
  // A value that is JSON already.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_.append(json);
    return *this;
  }

  template <class T>
  JsonWriter& field(std::string_view name, const T& v) {
    return key(name).value(v);
  }
  JsonWriter& raw_field(std::string_view name, std::string_view json) { return key(name).raw(json); }

 private:
  JsonWriter& open(char bracket) {
    separate();
    out_.push_back(bracket);
    comma_ = false;
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_.push_back(bracket);
    comma_ = true;
    return *this;
  }
  void separate() {
    if (comma_) out_.push_back(',');
    comma_ = true;
  }

  std::string& out_;
  bool comma_ = false;
};

}  // namespace lcg
