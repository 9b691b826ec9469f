// What json_reader.cc and json_scan.cc share: the lexical part of JSON. Not for others.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "base/json_reader.h"

namespace lcg::json {

inline JsonKind kind_of(char first) {
  switch (first) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kString;
    case 't':
    case 'f':
      return JsonKind::kBool;
    case 'n':
      return JsonKind::kNull;
    default:
      return first == '-' || (first >= '0' && first <= '9') ? JsonKind::kNumber : JsonKind::kNone;
  }
}

inline constexpr size_t kNoRoom = SIZE_MAX;

// Decodes a checked string body into `out`; the length, or kNoRoom.
size_t decode(std::string_view body, std::span<char> out);

}  // namespace lcg::json
