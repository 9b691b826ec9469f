#include "broker/plugin_json.h"

#include <string>

#include "base/json_reader.h"

namespace lcg::broker {

std::optional<SharedBytes> one_json_line(SharedBytes json) {
  if (json.empty()) return json;
  if (!validate_json(json.view(), {kMaxPluginJson, 64})) return std::nullopt;
  std::string scratch;
  const std::string_view line = compact_newlines(json.view(), scratch);
  if (line.data() == json.view().data()) return json;
  return SharedBytes(line);
}

}  // namespace lcg::broker
