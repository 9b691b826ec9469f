// SPDX-License-Identifier: Apache-2.0
// form: the parameters of a request to an OAuth endpoint, form-encoded (RFC 6749 appendix B) or as a flat
// JSON object.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace lcg::uaa {

using Parameters = std::map<std::string, std::string, std::less<>>;

inline constexpr size_t kMaxFormBytes = 16u << 10;
inline constexpr size_t kMaxParameters = 32;

// The body's first character says which it is. nullopt: over a limit, malformed, or a name stands twice (RFC
// 6749 section 3.2 forbids it). JSON members that are not strings are refused too.
std::optional<Parameters> parse_parameters(std::string_view body);

// "" when absent.
std::string_view parameter(const Parameters& parameters, std::string_view name);

}  // namespace lcg::uaa
