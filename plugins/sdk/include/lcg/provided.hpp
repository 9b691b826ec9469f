// SPDX-License-Identifier: Apache-2.0
// provided.hpp: whether there is a service at all, for a plugin that does without one that nobody provides.
#pragma once
#include <string_view>

#include "lcg/ext/services.h"
#include "lcg/host.hpp"

namespace lcg {

// False: no plugin of this configuration provides `service`, and none will. True: one does, or it is not known, so
// that a call that fails is one that failed. Lane: the instance's.
inline bool provided(const Host& host, std::string_view service) {
  const auto* services = host.query<lcg_services_v1>(LCG_SERVICES_V1);
  if (services == nullptr) return true;
  return services->provided(host.core()->host()->ctx, str(service)) != LCG_E_NOT_FOUND;
}

}  // namespace lcg
