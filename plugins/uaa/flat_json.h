// SPDX-License-Identifier: Apache-2.0
// flat_json: reads one JSON object of strings, whole numbers and booleans, and nothing else.
//
// A token's header and claims and a login request are such objects. What a general parser would forgive is
// refused here, because two readers that forgive differently are how tokens get forged: a name that stands
// twice, a nested value, a fraction or an exponent, a lone surrogate, bytes that are not UTF-8, anything
// after the object. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lcg::uaa {

class FlatObject {
 public:
  using Value = std::variant<std::string, int64_t, bool>;
  static constexpr size_t kMaxMembers = 32;

  // nullopt: `text` is not such an object.
  static std::optional<FlatObject> parse(std::string_view text);

  // The member of that type; nullptr or nullopt when it is absent or of another type.
  const std::string* string(std::string_view name) const;
  std::optional<int64_t> integer(std::string_view name) const;
  bool has(std::string_view name) const { return find(name) != nullptr; }
  size_t size() const { return members_.size(); }
  const std::vector<std::pair<std::string, Value>>& members() const { return members_; }

 private:
  const Value* find(std::string_view name) const;
  std::vector<std::pair<std::string, Value>> members_;
};

}  // namespace lcg::uaa
