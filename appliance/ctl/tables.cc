#include "appliance/ctl/tables.h"

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>

#include "base/visible.h"

namespace lcg::ctl {
namespace {

// Columns on a terminal, counted by characters: wide ones and marks are off by one.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string cell(const boost::json::value* value) {
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return value->as_string().empty() ? "-" : visible(value->as_string());
  return visible_json(boost::json::serialize(*value));
}

void outline_into(std::string& out, const boost::json::object& object, size_t indent) {
  for (const auto& [key, value] : object) {
    out.append(indent, ' ').append(visible(key)).append(": ");
    if (value.is_object()) {
      out.append("\n");
      outline_into(out, value.get_object(), indent + 2);
    } else if (key.ends_with("_ms") && value.is_int64() && value.get_int64() > 1'000'000'000'000) {
      out.append(cell(&value)).append("  (").append(time_text(value.get_int64())).append(")\n");
    } else {
      out.append(cell(&value)).append("\n");
    }
  }
}

}  // namespace

std::string table(const boost::json::array& rows, const std::vector<std::string_view>& fields) {
  std::vector<std::vector<std::string>> cells(1);
  std::vector<size_t> widths;
  for (const std::string_view field : fields) {
    std::string name(field);
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    widths.push_back(name.size());
    cells[0].push_back(std::move(name));
  }
  for (const boost::json::value& row : rows) {
    std::vector<std::string> line;
    for (size_t i = 0; i < fields.size(); ++i) {
      line.push_back(cell(row.as_object().if_contains(fields[i])));
      widths[i] = std::max(widths[i], width_of(line.back()));
    }
    cells.push_back(std::move(line));
  }
  std::string out;
  for (const auto& line : cells) {
    for (size_t i = 0; i < line.size(); ++i) {
      out.append(line[i]);
      if (i + 1 < line.size()) out.append(widths[i] - width_of(line[i]) + 2, ' ');
    }
    out.append("\n");
  }
  return out;
}

std::string outline(const boost::json::value& value) {
  std::string out;
  if (value.is_object()) outline_into(out, value.get_object(), 0);
  return out;
}

std::string time_text(int64_t unix_ms) {
  if (unix_ms == 0) return "never";
  const std::time_t seconds = unix_ms / 1000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &utc);
  return text;
}

}  // namespace lcg::ctl
