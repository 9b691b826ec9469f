/* SPDX-License-Identifier: Apache-2.0
 * ext/before_commit.h: the optional interfaces "before_commit/1" and "commits/1": a word about what is about to be kept.
 *
 * A plugin that offers "before_commit/1" is asked before a message, an edit or a reaction becomes a part of a durable
 * log, whichever way it came: rpc, publish, another plugin. The host asks every instance once, after create:
 * ops->query(instance, "before_commit/1"). Then it asks on the lane that owns the log, the plugins in the order of the
 * configuration, each about what the one before it left, once for each message: a client's retry gets the first answer.
 *
 * The plugin that keeps the log asks through "commits/1":
 *   const lcg_commits_v1 *c = host->query(host->ctx, (lcg_str){LCG_COMMITS_V1, sizeof LCG_COMMITS_V1 - 1});
 * Absent (NULL) on an older host: nobody is asked.
 */
#ifndef LCG_EXT_BEFORE_COMMIT_H
#define LCG_EXT_BEFORE_COMMIT_H
#include "lcg/lcg_plugin.h"
#ifdef __cplusplus
extern "C" {
#endif

#define LCG_BEFORE_COMMIT_V1 "before_commit/1"
#define LCG_COMMITS_V1 "commits/1"

enum {
  LCG_COMMIT_MESSAGE = 1,
  LCG_COMMIT_EDIT = 2, /* of the message `target` */
  LCG_COMMIT_REACT = 3 /* to the message `target` */
};

typedef struct lcg_commit {
  uint32_t struct_size;
  uint32_t kind;        /* LCG_COMMIT_*; a plugin has no objection to kinds it does not know */
  int64_t deadline_ns;  /* CLOCK_MONOTONIC; filled by the host for on_commit */
  const lcg_peer* peer; /* who says it: user_id, device_id, device_epoch, session_id; the rest may be empty */
  lcg_str channel;      /* "dialog:team" */
  lcg_str type;         /* "text", ... */
  lcg_bytes data;       /* what is said: a JSON value */
  uint64_t target;      /* a message id, 0: none */
  uint64_t cseq;        /* the device's number of it, 0: none */
  uint32_t max_bytes;   /* a replacement of data is at most this long */
  uint32_t reserved;
} lcg_commit;

typedef struct lcg_before_commit_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Answer token with host->reply.
   *   LCG_OK, LCG_DEFER: no objection; data, if there is some, takes the place of what is said (a JSON value).
   *   LCG_E_DENIED, INVALID, CONFLICT, NOT_FOUND: it is not kept; the client gets error_code (ext/commit_codes.h) and message.
   *   Anything else, an answer that cannot be used, or none within `before_commit.timeout` of the plugin's entry in
   *   the configuration: the plugin has failed, and `before_commit.on_failure` of the entry decides. */
  void (*on_commit)(lcg_instance*, lcg_token token, const lcg_commit*) LCG_NOEXCEPT;
} lcg_before_commit_v1;

typedef struct lcg_commits_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* LCG_OK: somebody is to be asked. LCG_E_NOT_FOUND: nobody is, and nobody will be. */
  lcg_status (*wanted)(lcg_host_ctx*) LCG_NOEXCEPT;
  /* Asks all. result->status LCG_OK: keep it, as result->data when that is not empty. LCG_E_DENIED: do not, and tell
   * the client error_code and message. LCG_E_UNAVAILABLE: a plugin failed that was not to be passed over. */
  lcg_status (*ask)(lcg_host_ctx*, const lcg_commit*, lcg_done_fn done, void* user) LCG_NOEXCEPT;
} lcg_commits_v1;

#ifdef __cplusplus
}
#endif
#endif
