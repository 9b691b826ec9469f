#include "broker/host/loader.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "broker/host/abi_io.h"
#include "broker/host/limits.h"
#include "lcg/trusted_path.hpp"

namespace lcg::host {
namespace {

constexpr char kSymbol[] = "lcg_plugin_descriptor";
constexpr size_t kMinDescriptor = offsetof(lcg_descriptor, ops) + sizeof(lcg_descriptor::ops);
constexpr size_t kMinOps = offsetof(lcg_plugin_ops, destroy) + sizeof(lcg_plugin_ops::destroy);

std::string abi(unsigned major, unsigned minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

std::string hex(uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) out += kDigits[value >> shift & 0xf];
  return out;
}

Status check_identity(const lcg_descriptor& d, std::string_view name, const std::string& at) {
  if (d.magic != LCG_ABI_MAGIC) {
    return {Code::kUnsupported, at + "magic is " + hex(d.magic) + ", expected " + hex(LCG_ABI_MAGIC) +
                                    " (\"LCG1\"); this is not an LCG plugin, or a damaged one: reinstall it"};
  }
  // The major decides what the fields after it mean, so it is checked before their size.
  if (d.abi_major != LCG_ABI_MAJOR) {
    return {Code::kUnsupported, at + "built for ABI " + abi(d.abi_major, d.abi_minor) +
                                    ", this broker offers " + abi(LCG_ABI_MAJOR, LCG_ABI_MINOR) +
                                    "; install lcg-plugin-" + std::string(name) + " for " +
                                    std::to_string(LCG_ABI_MAJOR) + ".x"};
  }
  if (d.struct_size < kMinDescriptor) {
    return {Code::kUnsupported, at + "descriptor struct_size is " + std::to_string(d.struct_size) +
                                    " bytes, expected at least " + std::to_string(kMinDescriptor) +
                                    "; set it to sizeof(lcg_descriptor)"};
  }
  if (d.min_host_minor > LCG_ABI_MINOR) {
    return {Code::kUnsupported, at + "needs ABI " + abi(LCG_ABI_MAJOR, d.min_host_minor) +
                                    " or newer, this broker offers " + abi(LCG_ABI_MAJOR, LCG_ABI_MINOR) +
                                    "; upgrade lcg, or install an older " + std::string(name)};
  }
  return {};
}

Status check_names(const lcg_descriptor& d, std::string_view name, const std::string& at) {
  const struct {
    const char* field;
    const char* value;
    bool may_be_empty;
  } texts[] = {{"name", d.name, false},
               {"version", d.version, false},
               {"license", d.license, false},
               {"provides", d.provides, true}};
  for (const auto& text : texts) {
    if (text.value == nullptr || (*text.value == '\0' && !text.may_be_empty)) {
      return {Code::kInvalid, at + "descriptor field '" + text.field + "' is " +
                                  (text.value == nullptr ? "NULL" : "empty") + ", expected a string" +
                                  (text.may_be_empty ? "; \"\" where it has none" : "")};
    }
  }
  if (!valid_plugin_name(d.name)) {
    return {Code::kInvalid,
            at + "name is '" + std::string(d.name) + "', expected [a-z][a-z0-9_]* of at most 64 bytes"};
  }
  if (d.name != name) {
    return {Code::kInvalid,
            at + "name is '" + std::string(d.name) + "', the configuration says '" + std::string(name) +
                "'; name the section as the plugin calls itself, or give its file with 'file:'"};
  }
  return {};
}

Status check_ops(const lcg_descriptor& d, const std::string& at) {
  if (d.ops == nullptr) return {Code::kInvalid, at + "ops is NULL, expected a table of functions"};
  if (d.ops->struct_size < kMinOps) {
    return {Code::kInvalid, at + "ops struct_size is " + std::to_string(d.ops->struct_size) +
                                " bytes, expected at least " + std::to_string(kMinOps) +
                                "; set it to sizeof(lcg_plugin_ops)"};
  }
  const lcg_plugin_ops ops = known_part(d.ops);
  const char* missing = ops.create == nullptr    ? "create"
                        : ops.start == nullptr   ? "start"
                        : ops.stop == nullptr    ? "stop"
                        : ops.destroy == nullptr ? "destroy"
                                                 : nullptr;
  if (missing != nullptr)
    return {Code::kInvalid, at + "ops." + missing + " is NULL, expected a function: it is required"};
  if (ops.request_mask != 0 && ops.on_request == nullptr) {
    return {Code::kInvalid, at + "ops.on_request is NULL although request_mask is " + hex(ops.request_mask) +
                                "; give the function or clear the mask"};
  }
  if (*d.provides != '\0' && ops.on_call == nullptr) {
    return {Code::kInvalid, at + "ops.on_call is NULL although it provides '" + d.provides +
                                "'; give the function or provide nothing"};
  }
  return {};
}

// A base name in a configured directory, so that a configuration cannot point anywhere else.
Result<std::string> base_name(std::string_view name, std::string_view file) {
  if (!valid_plugin_name(name)) {
    return Status{Code::kInvalid, "plugin name '" + std::string(name) +
                                      "' is malformed, expected [a-z][a-z0-9_]* of at most 64 bytes"};
  }
  std::string base = file.empty() ? std::string(name) + ".so" : std::string(file);
  if (base.find('/') != std::string::npos || base.starts_with('.') || base.find('\0') != std::string::npos) {
    return Status{Code::kInvalid, "plugin '" + std::string(name) + "': file '" + base +
                                      "' must be a base name such as '" + std::string(name) +
                                      ".so'; directories belong into plugins.dirs"};
  }
  return base;
}

Result<std::string> find_file(const std::vector<std::string>& dirs, std::string_view name,
                              const std::string& base) {
  std::string searched;
  for (const std::string& dir : dirs) {
    const TrustedPath checked = trusted_directory(dir);
    if (!checked.ok() && !checked.absent()) return Status{Code::kDenied, checked.why};
    const std::string path = checked.path + "/" + base;
    struct stat info {};
    if (checked.ok() && ::lstat(path.c_str(), &info) == 0) {
      if (!S_ISREG(info.st_mode))
        return Status{Code::kDenied, path + ": is not a regular file; install the plugin itself, not a link"};
      const TrustedPath file = trusted_file(path);
      if (!file.ok()) return Status{Code::kDenied, file.why};
      return file.path;
    }
    searched += (searched.empty() ? "" : ", ") + dir;
  }
  return Status{Code::kNotFound, "plugin '" + std::string(name) + "': no " + base + " in " +
                                     (searched.empty() ? "plugins.dirs, which is empty" : searched) +
                                     "; install lcg-plugin-" + std::string(name) + " or remove the section"};
}

}  // namespace

bool valid_plugin_name(std::string_view name) {
  auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  return !name.empty() && name.size() <= kMaxPluginName && lower(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return lower(c) || (c >= '0' && c <= '9') || c == '_'; });
}

Result<LoadedPlugin> check_descriptor(const lcg_descriptor* descriptor, std::string_view name,
                                      std::string_view where) {
  const std::string at = "plugin " + std::string(where) + ": ";
  if (descriptor == nullptr)
    return Status{Code::kInvalid, at + std::string(kSymbol) + "() returned NULL, expected a descriptor"};
  const lcg_descriptor& d = *descriptor;
  if (Status ok = check_identity(d, name, at); !ok.ok()) return ok;
  if (Status ok = check_names(d, name, at); !ok.ok()) return ok;
  if (Status ok = check_ops(d, at); !ok.ok()) return ok;
  LoadedPlugin out;
  out.name = d.name;
  out.version = d.version;
  out.license = d.license;
  out.provides = d.provides;
  out.abi_minor = d.abi_minor;
  out.ops = known_part(d.ops);
  return out;
}

Result<LoadedPlugin> load_plugin(const std::vector<std::string>& dirs, std::string_view name,
                                 std::string_view file) {
  Result<std::string> base = base_name(name, file);
  if (!base.ok()) return base.status();
  Result<std::string> path = find_file(dirs, name, base.value());
  if (!path.ok()) return path.status();
  void* library = ::dlopen(path.value().c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    return Status{Code::kInternal, "plugin " + path.value() + ": cannot be loaded: " + ::dlerror() +
                                       "; a library it needs is missing, or it was linked without -z defs"};
  }
  using Descriptor = const lcg_descriptor* (*)();
  auto get = reinterpret_cast<Descriptor>(::dlsym(library, kSymbol));  // POSIX: dlsym's own conversion
  if (get == nullptr) {
    return Status{Code::kInvalid, "plugin " + path.value() + ": exports no " + std::string(kSymbol) +
                                      "(); it is not an LCG plugin, or hides the symbol (LCG_EXPORT)"};
  }
  Result<LoadedPlugin> checked = check_descriptor(get(), name, path.value());
  if (checked.ok()) checked.value().path = path.value();
  return checked;
}

}  // namespace lcg::host
