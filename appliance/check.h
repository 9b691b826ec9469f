// The check of a configuration without any side effect: nothing is created, opened for writing, bound or
// started.
#pragma once
#include <string>
#include <vector>

namespace lcg {

struct CheckReport {
  bool readable = true;               // false: the file itself could not be read
  std::vector<std::string> problems;  // "file:line:column: ..." or a plugin's refusal
  std::string effective;              // every setting with what it came to
};

// Reads the file, and each configured plugin's descriptor (the plugin's code is mapped, none of it is called
// but its descriptor function).
CheckReport check_config(const std::string& path);

}  // namespace lcg
