// How lcgctl shows answers: columns for people, or the JSON as it came.
#pragma once
#include <boost/json/value.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::ctl {

// One line a row, the named fields in columns under their names; wide values are not cut. What a value has
// that cannot be seen is escaped (base/visible.h), so that no name drives the terminal or looks like another.
std::string table(const boost::json::array& rows, const std::vector<std::string_view>& fields);

// "field: value" lines, nested objects indented.
std::string outline(const boost::json::value& value);

// "2026-01-02 03:04:05 UTC" of Unix ms; "never" of 0.
std::string time_text(int64_t unix_ms);

}  // namespace lcg::ctl
