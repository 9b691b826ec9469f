// SPDX-License-Identifier: Apache-2.0
// json_list: what lcg/json.hpp has no getter for: the items of a list, the members of an object whose names are
// data, and times. Input: valid JSON (of Object::raw). Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lcg::token {

// The items as written; they borrow from `text`. False: not a list, or more than `limit` items.
bool json_list(std::string_view text, size_t limit, std::vector<std::string_view>& out);

// The members of an object, names unquoted. False: not an object, a name twice, or more than `limit` members.
bool json_members(std::string_view text, size_t limit,
                  std::vector<std::pair<std::string, std::string_view>>& out);

// A NumericDate (RFC 7519 section 2): a JSON number from 0 to 2^53, rounded down where it has a fraction. nullopt:
// anything else.
std::optional<int64_t> json_seconds(std::string_view token);

}  // namespace lcg::token
