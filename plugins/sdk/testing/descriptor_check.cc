// SPDX-License-Identifier: Apache-2.0
#include "testing/descriptor_check.h"

#include <string_view>

namespace lcg::testing {
namespace {

// The size every field up to `ops` needs; a minor may append behind it.
constexpr size_t kMinDescriptorSize = offsetof(lcg_descriptor, ops) + sizeof(lcg_descriptor::ops);
// create, start, stop and destroy are required.
constexpr size_t kMinOpsSize = offsetof(lcg_plugin_ops, destroy) + sizeof(lcg_plugin_ops::destroy);

bool valid_name(std::string_view name) {
  if (name.empty() || name.size() > 64 || name.front() < 'a' || name.front() > 'z') return false;
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

std::string version(unsigned major, unsigned minor) {
  return std::to_string(major) + "." + std::to_string(minor);
}

}  // namespace

std::string check_descriptor(const lcg_descriptor* d, uint16_t host_minor) {
  if (d == nullptr) return "lcg_plugin_descriptor() returned NULL";
  if (d->magic != LCG_ABI_MAGIC)
    return "magic is " + std::to_string(d->magic) + ", expected " + std::to_string(LCG_ABI_MAGIC) +
           " (LCG_ABI_MAGIC): this is no lcg plugin";
  if (d->abi_major != LCG_ABI_MAJOR)
    return "built for ABI " + version(d->abi_major, d->abi_minor) + ", this host offers " +
           version(LCG_ABI_MAJOR, host_minor) + ": rebuild it with the headers of major " +
           std::to_string(LCG_ABI_MAJOR);
  if (d->struct_size < kMinDescriptorSize)
    return "descriptor.struct_size is " + std::to_string(d->struct_size) + " bytes, expected at least " +
           std::to_string(kMinDescriptorSize) + ": set it to sizeof(lcg_descriptor)";
  if (d->min_host_minor > host_minor)
    return "needs a host of ABI " + version(LCG_ABI_MAJOR, d->min_host_minor) +
           " or newer, this host offers " + version(LCG_ABI_MAJOR, host_minor);
  if (d->name == nullptr || !valid_name(d->name))
    return "name is \"" + std::string(d->name ? d->name : "(null)") +
           "\", expected [a-z][a-z0-9_]* of at most 64 bytes";
  if (d->version == nullptr || *d->version == '\0') return "version is empty";
  if (d->license == nullptr || *d->license == '\0') return "license is empty: give an SPDX identifier";
  if (d->provides == nullptr) return "provides is NULL: use \"\" for none";
  if (d->ops == nullptr) return "ops is NULL";
  if (d->ops->struct_size < kMinOpsSize)
    return "ops.struct_size is " + std::to_string(d->ops->struct_size) + " bytes, expected at least " +
           std::to_string(kMinOpsSize) + ": set it to sizeof(lcg_plugin_ops)";
  if (d->ops->create == nullptr) return "ops.create is NULL, it is required";
  if (d->ops->start == nullptr) return "ops.start is NULL, it is required";
  if (d->ops->stop == nullptr) return "ops.stop is NULL, it is required";
  if (d->ops->destroy == nullptr) return "ops.destroy is NULL, it is required";
  const bool has_on_request = LCG_HAS(d->ops, on_request) && d->ops->on_request != nullptr;
  if (d->ops->request_mask != 0 && !has_on_request)
    return "ops.request_mask asks for requests but ops.on_request is NULL";
  const bool has_on_call = LCG_HAS(d->ops, on_call) && d->ops->on_call != nullptr;
  if (*d->provides != '\0' && !has_on_call)
    return "provides \"" + std::string(d->provides) + "\" but ops.on_call is NULL";
  return {};
}

}  // namespace lcg::testing
