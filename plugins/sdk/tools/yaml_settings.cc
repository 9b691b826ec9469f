// SPDX-License-Identifier: Apache-2.0
#include "plugins/sdk/tools/yaml_settings.h"

#include <yaml-cpp/yaml.h>

#include <stdexcept>

namespace lcg::tools {
namespace {

constexpr int kMaxDepth = 32;

void flatten(const YAML::Node& node, const std::string& path, int depth,
             std::map<std::string, std::string>& out) {
  if (depth > kMaxDepth) throw std::runtime_error(path + ": nested deeper than " + std::to_string(kMaxDepth));
  const std::string dot = path.empty() ? "" : path + ".";
  if (node.IsMap()) {
    for (const auto& item : node) flatten(item.second, dot + item.first.as<std::string>(), depth + 1, out);
  } else if (node.IsSequence()) {
    out[dot + "#"] = std::to_string(node.size());
    for (size_t i = 0; i < node.size(); ++i) flatten(node[i], dot + std::to_string(i), depth + 1, out);
  } else if (node.IsScalar()) {
    out[path] = node.Scalar();
  }
}

}  // namespace

std::map<std::string, std::string> read_settings(const std::string& path) {
  std::map<std::string, std::string> out;
  try {
    flatten(YAML::LoadFile(path), "", 0, out);
  } catch (const YAML::Exception& e) {
    throw std::runtime_error(path + ":" + std::to_string(e.mark.line + 1) + ": " + e.msg);
  }
  return out;
}

}  // namespace lcg::tools
