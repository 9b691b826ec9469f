// SPDX-License-Identifier: Apache-2.0
// yaml_settings.h: a plugin's YAML section as the dotted paths host->config understands.
#pragma once
#include <map>
#include <string>

namespace lcg::tools {

// {"pool": {"size": 4}, "servers": [a, b]} -> pool.size=4, servers.#=2, servers.0=a, servers.1=b.
// Throws std::runtime_error with file and line when it cannot be read.
std::map<std::string, std::string> read_settings(const std::string& path);

}  // namespace lcg::tools
