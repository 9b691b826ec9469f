// SPDX-License-Identifier: Apache-2.0
#include "plugins/names/names.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uspoof.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>

namespace lcg::names {
namespace {

using Points = std::u32string;

constexpr char32_t kNonJoiner = 0x200c, kJoiner = 0x200d, kTextStyle = 0xfe0e, kEmojiStyle = 0xfe0f;
constexpr char32_t kBrailleBlank = 0x2800;  // a symbol by its category, and yet nothing that is seen
constexpr uint8_t kVirama = 9;              // canonical combining class
constexpr char kRefused[] =
    "a character in it is not seen: control, direction, zero width, unassigned or private";
constexpr char kNoText[] = "it is not valid UTF-8";

// False: not UTF-8.
bool decode(std::string_view text, Points& out) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  for (int32_t i = 0; i < size;) {
    UChar32 c = 0;
    // NOLINTNEXTLINE(bugprone-inc-dec-in-conditions): the library's macro
    U8_NEXT(bytes, i, size, c);
    if (c < 0) return false;
    out.push_back(static_cast<char32_t>(c));
  }
  return true;
}

void append(std::string& out, char32_t c) {
  uint8_t bytes[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, c);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

std::u16string utf16(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  std::u16string out(text.size() + 1, u'\0');
  int32_t size = 0;
  u_strFromUTF8(out.data(), static_cast<int32_t>(out.size()), &size, text.data(),
                static_cast<int32_t>(text.size()), &error);
  out.resize(U_SUCCESS(error) ? static_cast<size_t>(size) : 0);
  return out;
}

std::string utf8(const std::u16string& text) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out(text.size() * 3 + 1, '\0');
  int32_t size = 0;
  u_strToUTF8(out.data(), static_cast<int32_t>(out.size()), &size, text.data(),
              static_cast<int32_t>(text.size()), &error);
  out.resize(U_SUCCESS(error) ? static_cast<size_t>(size) : 0);
  return out;
}

// REQUIRES: valid UTF-8. One character becomes 18 at most (U+FDFA in NFKC).
std::string normalized(const UNormalizer2* form, std::string_view text) {
  const std::u16string from = utf16(text);
  std::u16string to(from.size() * 18 + 1, u'\0');
  UErrorCode error = U_ZERO_ERROR;
  const int32_t size = unorm2_normalize(form, from.data(), static_cast<int32_t>(from.size()), to.data(),
                                        static_cast<int32_t>(to.size()), &error);
  if (U_FAILURE(error)) return std::string(text);
  to.resize(static_cast<size_t>(size));
  return utf8(to);
}

const UNormalizer2* form_c() {
  UErrorCode error = U_ZERO_ERROR;
  return unorm2_getNFCInstance(&error);
}
const UNormalizer2* form_of_comparison() {
  UErrorCode error = U_ZERO_ERROR;
  return unorm2_getNFKCCasefoldInstance(&error);
}

bool is_emoji(char32_t c) { return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EMOJI) != 0; }
bool joins(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_JOINING_TYPE) != U_JT_NON_JOINING;
}

// RFC 5892 appendix A.1 and A.2 in short, and the sequences of Unicode TS 51.
bool shapes(const Points& text, size_t i) {
  if (i == 0) return false;
  const char32_t before = text[i - 1], here = text[i];
  if (here == kTextStyle || here == kEmojiStyle) return is_emoji(before);
  if (i + 1 == text.size()) return false;
  const char32_t after = text[i + 1];
  if (u_getCombiningClass(static_cast<UChar32>(before)) == kVirama) return true;
  if (here == kJoiner) return (is_emoji(before) || before == kEmojiStyle) && before > 0x7f && is_emoji(after);
  return here == kNonJoiner && joins(before) && joins(after);
}

bool is_seen(char32_t point) {
  const auto c = static_cast<UChar32>(point);
  constexpr uint32_t kHidden =
      U_GC_CC_MASK | U_GC_CF_MASK | U_GC_ZL_MASK | U_GC_ZP_MASK | U_GC_CS_MASK | U_GC_CO_MASK | U_GC_CN_MASK;
  if ((U_GET_GC_MASK(c) & kHidden) != 0 || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT))
    return false;
  const int32_t hangul = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
  return hangul != U_HST_LEADING_JAMO && hangul != U_HST_VOWEL_JAMO && hangul != U_HST_TRAILING_JAMO;
}

bool all_seen(const Points& text, std::u32string_view besides) {
  for (size_t i = 0; i < text.size(); ++i)
    if (!is_seen(text[i]) && !shapes(text, i) && besides.find(text[i]) == besides.npos) return false;
  return true;
}

bool is_space(char32_t c) {
  return c == kBrailleBlank || u_charType(static_cast<UChar32>(c)) == U_SPACE_SEPARATOR;
}

// RFC 8266 section 2.1, additional mapping.
std::string with_single_spaces(const Points& text) {
  std::string out;
  bool gap = false;
  for (const char32_t c : text) {
    if (is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (std::exchange(gap, false)) out.push_back(' ');
    append(out, c);
  }
  return out;
}

// One for the process: it takes longer to make than a name to read, and reading changes nothing in it.
const USpoofChecker* checker() {
  static const std::unique_ptr<USpoofChecker, decltype(&uspoof_close)> one = [] {
    UErrorCode error = U_ZERO_ERROR;
    return std::unique_ptr<USpoofChecker, decltype(&uspoof_close)>(uspoof_open(&error), &uspoof_close);
  }();
  return one.get();
}

// Only letters of other scripts: for Latin ones the table prefers odd forms ("rn" for "m").
std::string as_latin(const Points& text) {
  std::string out;
  for (const char32_t c : text) {
    std::string one;
    append(one, c);
    char like[64];
    UErrorCode error = U_ZERO_ERROR;
    const int32_t size =
        c <= 0x7f || checker() == nullptr
            ? 0
            : uspoof_getSkeletonUTF8(checker(), 0, one.data(), static_cast<int32_t>(one.size()), like,
                                     sizeof like, &error);
    out.append(size > 0 && U_SUCCESS(error) ? std::string_view(like, static_cast<size_t>(size)) : one);
  }
  return out;
}

// `latin`: the text as_latin().
std::vector<std::string> without_case(std::string_view text, const std::string& latin) {
  std::vector<std::string> out = {normalized(form_of_comparison(), text)};
  Points points;
  decode(out.front(), points);
  // Both ways, for a letter and its capital may look like different ones.
  for (std::string reading : {normalized(form_of_comparison(), latin), as_latin(points)})
    if (std::find(out.begin(), out.end(), reading) == out.end()) out.push_back(std::move(reading));
  return out;
}

}  // namespace

Name display(std::string_view text) {
  Points points;
  if (!decode(text, points)) return {{}, kNoText};
  points.clear();
  decode(normalized(form_c(), text), points);
  if (!all_seen(points, {})) return {{}, kRefused};
  return {with_single_spaces(points), nullptr};
}

bool is_visible(std::string_view text) {
  Points points;
  return decode(text, points) && all_seen(points, {});
}

bool is_visible_text(std::string_view text) {
  Points points;
  return decode(text, points) && all_seen(points, U"\n\r\t");
}

std::vector<std::string> folded(std::string_view text) {
  Points points;
  if (!decode(text, points)) return {std::string(text)};
  return without_case(text, as_latin(points));
}

std::vector<std::string> readings(std::string_view name) {
  std::vector<std::string> out = {std::string(name)};
  Points points;
  if (!decode(name, points)) return out;
  std::string latin = as_latin(points);
  std::vector<std::string> others = without_case(name, latin);
  others.push_back(std::move(latin));
  for (std::string& reading : others)
    if (std::find(out.begin(), out.end(), reading) == out.end()) out.push_back(std::move(reading));
  return out;
}

}  // namespace lcg::names
