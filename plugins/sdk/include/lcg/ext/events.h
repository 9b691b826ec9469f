/* SPDX-License-Identifier: Apache-2.0
 * ext/events.h: the optional plugin interface "events/1": what happens to sessions and channels, told as it happens.
 *
 * The host asks every instance once, after create: ops->query(instance, "events/1"). An event is told on the
 * lane that owns the slot of its key, in the order in which it happened there: of the user for connect and
 * disconnect, of the channel for the others. Nothing is kept by the host: a plugin that must not lose an event
 * stores it before it answers.
 */
#ifndef LCG_EXT_EVENTS_H
#define LCG_EXT_EVENTS_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_EVENTS_V1 "events/1"

enum {
  LCG_EVENT_CONNECT = 1,     /* before the client is told that it is connected */
  LCG_EVENT_DISCONNECT = 2,  /* code, reason */
  LCG_EVENT_SUBSCRIBE = 3,   /* before the client is told that it is subscribed */
  LCG_EVENT_UNSUBSCRIBE = 4, /* also of a session that ends, before its disconnect */
  LCG_EVENT_OCCUPIED = 5,    /* the channel's first subscriber came */
  LCG_EVENT_VACATED = 6      /* its last one left */
};

typedef struct lcg_event {
  uint32_t struct_size;
  uint32_t kind;        /* LCG_EVENT_* */
  int64_t time_ms;      /* Unix ms */
  const lcg_peer* peer; /* NULL for occupied and vacated */
  lcg_str channel;      /* empty for connect and disconnect */
  uint32_t code;        /* disconnect, unsubscribe: client-protocol 1.8, 1.11 */
  uint32_t slot;        /* of the key */
  lcg_str reason;
  uint64_t term; /* fencing term under which this lane owns slot */
} lcg_event;

typedef struct lcg_events_v1 {
  uint32_t struct_size;
  uint32_t event_mask; /* bit (1u << LCG_EVENT_x) set: on_event wants kind x */
  /* token is not 0 when the host waits (connect, subscribe, occupied): answer it with host->reply; an error,
   * or no answer in time, fails the client's command with error 100. Else nobody waits. */
  void (*on_event)(lcg_instance*, lcg_token token, const lcg_event*) LCG_NOEXCEPT;
} lcg_events_v1;

#ifdef __cplusplus
}
#endif
#endif
