/* SPDX-License-Identifier: Apache-2.0
 * ext/sessions.h: the optional host interface "sessions/1": ending sessions and knowing that they have ended.
 *
 *   const lcg_sessions_v1 *s = host->query(host->ctx, (lcg_str){LCG_SESSIONS_V1, sizeof LCG_SESSIONS_V1 - 1});
 *
 * Absent (NULL) on a host that does not offer it: host->disconnect does the same and says nothing.
 */
#ifndef LCG_EXT_SESSIONS_H
#define LCG_EXT_SESSIONS_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_SESSIONS_V1 "sessions/1"

typedef struct lcg_sessions_v1 {
  uint32_t struct_size;
  /* host->disconnect, with an end that is told. result->status LCG_OK: every session that matches is closed, every
   * connect that matches, was begun before this call and had not ended is refused, and bearer tokens of HTTP that
   * match are asked about anew. So whoever takes something back stores that first, calls this, and acknowledges when
   * done runs: from then on no way in is open. LCG_E_UNAVAILABLE: that is not known; call it again. */
  lcg_status (*disconnect)(lcg_host_ctx*, const lcg_disconnect*, lcg_done_fn done, void* user) LCG_NOEXCEPT;
} lcg_sessions_v1;

#ifdef __cplusplus
}
#endif
#endif
