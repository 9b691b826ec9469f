// The parsed form of a configuration file: what config.cc, config_parse.cc and config_value.cc share. Not for
// others.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace lcg::config {

struct Place {
  int line = 1;  // from 1
  int column = 1;
};

struct Member;

struct Node {
  enum class Kind : uint8_t { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Place place;
  std::string text;     // of a scalar, before substitution
  bool quoted = false;  // a scalar in quotes or a block: text, never a number or boolean
  std::vector<Member> members;
  std::vector<std::unique_ptr<Node>> items;
  std::vector<std::string> asked;  // keys somebody looked for in this map
  bool opaque = false;             // read through Scalars: its reader reports what is unread
};

struct Member {
  std::string key;
  Place place;
  std::unique_ptr<Node> value;
  bool used = false;
};

struct Error {
  Place place;
  std::string text;  // "path: what"
};

struct State {
  std::string file;
  std::string folder;  // for ${file:...}
  std::unique_ptr<Node> root;
  std::vector<Error> errors;
  std::vector<std::pair<std::string, std::string>> effective;  // path, rendered value
  std::map<std::string, uint64_t> digests;                     // path, hash of the true value

  std::string where(Place place) const {
    return file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
  }
};

// Fills root, or errors.
void parse_yaml(std::string_view text, State& state);

// The file's bytes, at most `limit`; or why not, in `error`.
std::optional<std::string> read_file(const std::string& path, size_t limit, std::string& error);

// Replaces ${env:..} and ${file:..}; nothing and `error` if one cannot be.
std::optional<std::string> substitute(const std::string& text, const std::string& folder, std::string& error);
// Does it change `text` to something else than it says?
bool has_substitution(const std::string& text);

// Whole-text conversions; nothing if `text` is not one.
std::optional<int64_t> to_signed(std::string_view text);
std::optional<uint64_t> to_unsigned(std::string_view text);
std::optional<double> to_real(std::string_view text);
std::optional<bool> to_bool(std::string_view text);
std::optional<uint64_t> to_bytes(std::string_view text);
std::optional<Millis> to_duration(std::string_view text);
bool leading_zero(std::string_view text);
// "4x", "-1", "10 GiB": no more letters than a unit has.
bool looks_like_number(std::string_view text);

std::string show_bytes(uint64_t bytes);
std::string show_duration(Millis duration);

// A path of keys as a message may tell it: of a key that is none of a setting's, for it may be a secret with a colon or
// braces around it, the length.
std::string told_path(std::string_view path);

// The one of `words` that is closest to `word`, if it is close enough to be a slip of the pen; else empty.
std::string closest(std::string_view word, const std::vector<std::string>& words);

}  // namespace lcg::config
