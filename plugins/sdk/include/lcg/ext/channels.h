/* SPDX-License-Identifier: Apache-2.0
 * ext/channels.h: the optional host interface "channels/1": what a channel provider may do to subscriptions.
 *
 *   const lcg_channels_v1 *c = host->query(host->ctx, (lcg_str){LCG_CHANNELS_V1, sizeof LCG_CHANNELS_V1 -
 * 1});
 *
 * Absent (NULL) on a host that does not offer it: a provider then closes the sessions instead
 * (host->disconnect).
 */
#ifndef LCG_EXT_CHANNELS_H
#define LCG_EXT_CHANNELS_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_CHANNELS_V1 "channels/1"

typedef struct lcg_channels_v1 {
  uint32_t struct_size;
  /* Ends the subscriptions of every session of user_id to channel. code 2000..2499: the client stays
   * unsubscribed; 2500..2999: it subscribes again, and the provider is asked again. Call it where the channel
   * is published: publications made after it reach none of those sessions. LCG_E_INVALID: channel or
   * user_id is empty, or code is none of these. */
  lcg_status (*unsubscribe)(lcg_host_ctx*, lcg_str channel, lcg_str user_id, uint32_t code,
                            lcg_str reason) LCG_NOEXCEPT;
  /* The same for one session. */
  lcg_status (*unsubscribe_session)(lcg_host_ctx*, lcg_str channel, lcg_str session_id, uint32_t code,
                                    lcg_str reason) LCG_NOEXCEPT;
} lcg_channels_v1;

#ifdef __cplusplus
}
#endif
#endif
