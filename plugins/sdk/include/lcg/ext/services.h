/* SPDX-License-Identifier: Apache-2.0
 * ext/services.h: the optional host interface "services/1": which services there are.
 *
 *   const lcg_services_v1 *s = host->query(host->ctx, (lcg_str){LCG_SERVICES_V1, sizeof LCG_SERVICES_V1 - 1});
 *
 * A call that fails with LCG_E_UNAVAILABLE does not say whether its service will ever answer: the plugin that provides
 * it may be starting, stopping or full. This does. Absent (NULL) on an older host: it is not known.
 */
#ifndef LCG_EXT_SERVICES_H
#define LCG_EXT_SERVICES_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_SERVICES_V1 "services/1"

typedef struct lcg_services_v1 {
  uint32_t struct_size;
  /* LCG_OK: a plugin of this configuration provides the service, whether it answers now or not.
   * LCG_E_NOT_FOUND: none does, as long as this process lives. Others: not known. */
  lcg_status (*provided)(lcg_host_ctx*, lcg_str service) LCG_NOEXCEPT;
} lcg_services_v1;

#ifdef __cplusplus
}
#endif
#endif
