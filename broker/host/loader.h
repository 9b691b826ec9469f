// Loader: from a plugin's name in the configuration to checked function pointers.
//
// A plugin is code in our process, so only files that root or the running user could have put there are
// loaded: every component of the path from "/" on, links with their targets, passes lcg/trusted_path.hpp, and the
// resolved path is what dlopen gets. Nobody else can exchange any of it between check and use, so it need not go
// by a descriptor, under whose name (/proc/self/fd/7) no debugger and no crash note would find it. The descriptor
// is checked as constant data before any of the plugin's functions runs. A plugin is never unloaded
// (RTLD_NODELETE): its threads and timers could outlive the mapping. Every refusal names the file, the field,
// what it says, what was expected and what to do.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "lcg/lcg_plugin.h"

namespace lcg::host {

struct LoadedPlugin {
  std::string name, version, license;
  std::string provides;    // service names, separated by spaces
  std::string path;        // the file; empty for one that was linked in
  uint16_t abi_minor = 0;  // of the header it was compiled with
  lcg_plugin_ops ops{};    // functions that the plugin's header did not know are NULL
};

// Finds `file` ("uaa.so"; empty: "<name>.so") in the first of `dirs` that has it, loads and checks it.
// Errors: kInvalid (name or file malformed), kNotFound, kDenied (ownership), kUnsupported (version),
// kInternal. Blocks on the disk: call it before the lanes run.
Result<LoadedPlugin> load_plugin(const std::vector<std::string>& dirs, std::string_view name,
                                 std::string_view file);

// The checks on the descriptor alone. `where` is how messages call the plugin.
Result<LoadedPlugin> check_descriptor(const lcg_descriptor* descriptor, std::string_view name,
                                      std::string_view where);

// [a-z][a-z0-9_]* of at most kMaxPluginName bytes.
bool valid_plugin_name(std::string_view name);

}  // namespace lcg::host
