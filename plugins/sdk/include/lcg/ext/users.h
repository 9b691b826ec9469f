/* SPDX-License-Identifier: Apache-2.0
 * ext/users.h: the optional host interface "users/1": which user ids a plugin that answers connects may give.
 *
 *   const lcg_users_v1 *u = host->query(host->ctx, (lcg_str){LCG_USERS_V1, sizeof LCG_USERS_V1 - 1});
 *
 * Absent (NULL) on an older host: there is no prefix.
 */
#ifndef LCG_EXT_USERS_H
#define LCG_EXT_USERS_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_USERS_V1 "users/1"

typedef struct lcg_users_v1 {
  uint32_t struct_size;
  /* What every user_id in an answer to connect must begin with: the plugin's user_prefix in the configuration, or
   * empty. With it the ids of two plugins never meet; an answer that has another id is refused by the host. Ids are
   * whole everywhere else too: in lcg_peer, calls, disconnects. *out is valid until destroy returns. */
  lcg_status (*prefix)(lcg_host_ctx*, lcg_str* out) LCG_NOEXCEPT;
  /* The user_prefix, of any plugin of this configuration, that `user` begins with; empty without one. What follows
   * it is the name that its authority knows the user by. *out is valid until destroy returns. Absent when struct_size
   * ends before it. */
  lcg_status (*prefix_of)(lcg_host_ctx*, lcg_str user, lcg_str* out) LCG_NOEXCEPT;
} lcg_users_v1;

#ifdef __cplusplus
}
#endif
#endif
