/* SPDX-License-Identifier: Apache-2.0
 * lcg_plugin.h: the whole contract between the broker (host) and a plugin. C11,
 * no dependency beyond <stddef.h> and <stdint.h>. Rules that hold for every line:
 *  MEMORY    Borrow in, copy out. A pointer argument is valid until the call
 *            returns; whoever wants it longer copies it. Neither side ever
 *            frees memory the other side allocated.
 *  THREADS   The host enters one instance from one lane (thread) at a time.
 *            Host functions marked [any] may be called from any thread, the
 *            others only on the lane; none blocks. A callback returns within
 *            the lane budget (1 ms); longer work goes to offload.
 *  GROWTH    A struct that begins with struct_size only ever grows at its end.
 *            A reader touches a field only if LCG_HAS says it is there.
 *            Structs without struct_size are frozen for the life of the major.
 *  UNWINDING No exception and no longjmp crosses this line in either direction.
 */
#ifndef LCG_PLUGIN_H
#define LCG_PLUGIN_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#define LCG_NOEXCEPT noexcept
#else
#define LCG_NOEXCEPT
#endif
#define LCG_ABI_MAGIC 0x3147434cu /* "LCG1", little endian */
#define LCG_ABI_MAJOR 1u          /* differs: refused */
#define LCG_ABI_MINOR 2u          /* fields appended since the major began */
#define LCG_EXPORT __attribute__((visibility("default")))
#define LCG_HAS(p, field) ((p)->struct_size >= offsetof(__typeof__(*(p)), field) + sizeof((p)->field))

/* Status. 0 is success; treat an unknown value as LCG_E_INTERNAL. */
typedef int32_t lcg_status;
enum {
  LCG_OK = 0,
  LCG_DEFER = 1,          /* "not mine": ask the next plugin in the chain */
  LCG_E_INVALID = -1,     /* the caller's input is malformed */
  LCG_E_UNSUPPORTED = -2, /* this host or plugin is too old for that */
  LCG_E_DENIED = -3,      /* authorisation said no */
  LCG_E_NOT_FOUND = -4,
  LCG_E_CONFLICT = -5,    /* version, order or uniqueness check failed */
  LCG_E_BUSY = -6,        /* queue full: shed or retry later */
  LCG_E_TIMEOUT = -7,     /* deadline passed; the outcome is unknown */
  LCG_E_UNAVAILABLE = -8, /* the other service is not reachable now */
  LCG_E_CANCELLED = -9,   /* client gone or instance stopping */
  LCG_E_STALE = -10,      /* token already completed, expired or never issued */
  LCG_E_INTERNAL = -11,
  LCG_E_FENCED = -12 /* slot ownership lost: a newer term has written */
};

typedef struct lcg_str {
  const char* data;
  size_t size;
} lcg_str; /* UTF-8, no NUL; frozen */
typedef struct lcg_bytes {
  const uint8_t* data;
  size_t size;
} lcg_bytes;                              /* frozen */
typedef uint64_t lcg_token;               /* generation-checked handle, never a pointer; 0 is none */
typedef uint64_t lcg_timer;               /* likewise */
typedef struct lcg_instance lcg_instance; /* the plugin's own state, opaque to the host */
typedef struct lcg_host_ctx lcg_host_ctx; /* the host's state for one instance, opaque to the plugin */

/* Who is asking. Filled by the host for every client event. */
typedef struct lcg_peer {
  uint32_t struct_size;
  uint32_t flags;        /* LCG_PEER_* */
  lcg_str session_id;    /* unique per connection; empty for a plain HTTP request */
  lcg_str user_id;       /* empty before connect is answered */
  lcg_str device_id;     /* the client's install; unique within the user */
  uint64_t device_epoch; /* issued by the registry, grows when the install starts over */
  lcg_str auth_id;       /* the login this session came from: what a revocation names */
  lcg_str remote_addr;   /* "192.0.2.1:5555" */
  /* since 1.1: "websocket", "http_stream", ...; "json", "protobuf"; connect: what the client says it is */
  lcg_str transport, protocol, client_name, client_version;
  lcg_bytes meta;    /* JSON, of the answer to connect or refresh; never told to a client */
  lcg_bytes headers; /* JSON object of strings: the client's HTTP headers the gateway lets through */
} lcg_peer;
enum { LCG_PEER_TLS = 1u << 0, LCG_PEER_HTTP = 1u << 1, LCG_PEER_EPHEMERAL_DEVICE = 1u << 2 };

/* One client request. kind says which optional fields carry meaning. */
typedef struct lcg_request {
  uint32_t struct_size;
  uint32_t kind;       /* LCG_REQ_* */
  lcg_token token;     /* answer it exactly once with host->reply */
  int64_t deadline_ns; /* CLOCK_MONOTONIC; the host answers TIMEOUT itself after it */
  const lcg_peer* peer;
  lcg_str name;       /* channel; rpc method; "POST /oauth/token"; empty for connect and refresh */
  lcg_bytes data;     /* client payload or HTTP body, at most limits.max_message bytes */
  lcg_str credential; /* token of connect, refresh and subscribe; Authorization header of HTTP */
  lcg_str route; /* since 1.1: subscribe, publish, sub_refresh: the namespace's back end by name, or "" */
  lcg_bytes channels; /* since 1.1: connect: JSON array of what the client names */
} lcg_request;
enum {
  LCG_REQ_CONNECT = 1,
  LCG_REQ_SUBSCRIBE = 2,
  LCG_REQ_PUBLISH = 3,
  LCG_REQ_RPC = 4,
  LCG_REQ_REFRESH = 5, /* without a credential: the server refreshes */
  LCG_REQ_HTTP = 6,
  LCG_REQ_SUB_REFRESH = 7 /* since 1.1; likewise */
};

/* The answer to a request, or the outcome of a call. All zero is "done, no payload"; to connect, refresh, subscribe,
 * sub_refresh, publish "no objection": others, at last the configuration, decide. Before 1.2: a grant. */
typedef struct lcg_result {
  uint32_t struct_size;
  lcg_status status;
  uint32_t error_code; /* shown to the client when status < 0; 0: from the status. HTTP: the status code */
  uint32_t disconnect_code; /* 0: keep the connection; else close it: 3001..3014, 3500..3509, 4000..4999 */
  lcg_str message;          /* for people, at most 123 bytes (why start failed: 1,024); never secrets */
  lcg_bytes data;           /* rpc, call, HTTP body; connect: the data of the connect reply */
  lcg_str user_id;          /* connect only */
  lcg_str auth_id;          /* connect only */
  lcg_bytes info;           /* connect: conn_info, subscribe: chan_info; a JSON value */
  int64_t expire_at_ms;     /* connect, refresh, subscribe: Unix ms; 0 never */
  const lcg_str* channels;  /* connect: server-side subscriptions */
  size_t channel_count;
  lcg_str content_type; /* HTTP only; empty means application/json */
  lcg_bytes meta;       /* since 1.1: connect, refresh: JSON */
  lcg_bytes options;    /* since 1.1: JSON object; connect, subscribe, publish: docs/plugins.md, "Options" */
  uint64_t flags;       /* since 1.1: LCG_RESULT_* */
} lcg_result;
/* EXPIRED: refresh, sub_refresh: not extended (3005, 2501). SERVER_REFRESH: connect, subscribe: at
 * expire_at_ms the plugins are asked, not the client. TEMPORARY: it may pass. GRANT, since 1.2: lets in. */
enum {
  LCG_RESULT_EXPIRED = 1u,
  LCG_RESULT_SERVER_REFRESH = 2u,
  LCG_RESULT_TEMPORARY = 4u,
  LCG_RESULT_GRANT = 8u
};

/* A call of another plugin's service, routed to the owner of key's slot. A key "@<n>" names slot n itself. */
typedef struct lcg_call {
  uint32_t struct_size;
  uint32_t timeout_ms; /* 0: the configured default (plugins.call_timeout) */
  lcg_str service;     /* "storage", "message", "channel:dialog", ... */
  lcg_str method;
  lcg_str key; /* partition key; empty: any instance */
  lcg_bytes data;
  /* Filled by the host for the provider's on_call; ignored in host->call. */
  int64_t deadline_ns;
  uint32_t slot; /* of key */
  uint32_t reserved;
  uint64_t term;  /* fencing term under which the owner holds slot */
  lcg_str caller; /* plugin name, "host", or "api": the server API */
} lcg_call;

typedef struct lcg_publication {
  uint32_t struct_size;
  uint32_t flags; /* LCG_PUB_* */
  lcg_str channel;
  lcg_bytes data;  /* a JSON value */
  lcg_str user_id; /* publisher, shown as info; empty: none */
  lcg_str session_id;
  uint64_t offset; /* with LCG_PUB_POSITIONED: a channel provider's own position */
  lcg_str epoch;
  lcg_bytes options; /* since 1.1: JSON: tags, idempotency_key, version, version_epoch, delta */
} lcg_publication;
enum { LCG_PUB_NO_HISTORY = 1u << 0, LCG_PUB_POSITIONED = 1u << 1 };

/* Closes every live session that matches all the non-empty fields; one at least must be set. */
typedef struct lcg_disconnect {
  uint32_t struct_size;
  uint32_t code; /* 3000..4999: client-protocol.md 1.11 */
  lcg_str reason;
  lcg_str session_id, user_id, device_id, auth_id;
} lcg_disconnect;

/* A call accepted with LCG_OK runs its done exactly once, on the instance's lane, never inside the
 * accepting call; at stop with LCG_E_CANCELLED. A call refused with another status never runs it. */
typedef void (*lcg_done_fn)(void* user, const lcg_result* result) LCG_NOEXCEPT;
typedef void (*lcg_fn)(void* user) LCG_NOEXCEPT;

/* What the host offers. Valid until destroy returns. */
typedef struct lcg_host {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor;
  lcg_host_ctx* ctx;       /* first argument of every function here */
  uint32_t instance_index; /* of this plugin; one instance a lane when instances: per_lane */
  uint32_t instance_count;
  uint32_t slot_count;

  void (*log)(lcg_host_ctx*, uint32_t level, lcg_str message) LCG_NOEXCEPT; /* [any] 0 trace .. 4 error */
  int64_t (*now_ns)(lcg_host_ctx*) LCG_NOEXCEPT;  /* [any] CLOCK_MONOTONIC, or the test's clock */
  int64_t (*wall_ms)(lcg_host_ctx*) LCG_NOEXCEPT; /* [any] Unix ms; may jump */
  void (*random)(lcg_host_ctx*, void* out, size_t) LCG_NOEXCEPT; /* [any] cryptographic, seeded in tests */
  /* One scalar of this plugin's YAML section by dotted path: "pool.size", "servers.0.host"; "servers.#" is
   * the count. *out lives until destroy. Keys nobody read during create are reported with file and line. */
  lcg_status (*config)(lcg_host_ctx*, lcg_str path, lcg_str* out) LCG_NOEXCEPT;
  uint32_t (*slot_of)(lcg_host_ctx*, lcg_str key) LCG_NOEXCEPT; /* [any] */

  /* [any] Answers a request. LCG_E_STALE if it was answered or expired already. */
  lcg_status (*reply)(lcg_host_ctx*, lcg_token, const lcg_result*) LCG_NOEXCEPT;
  /* Publishes. done may be NULL. result->data is "offset epoch" in text. */
  lcg_status (*publish)(lcg_host_ctx*, const lcg_publication*, lcg_done_fn done, void* user) LCG_NOEXCEPT;
  lcg_status (*call)(lcg_host_ctx*, const lcg_call*, lcg_done_fn done, void* user) LCG_NOEXCEPT;
  lcg_status (*disconnect)(lcg_host_ctx*, const lcg_disconnect*) LCG_NOEXCEPT;
  lcg_status (*timer_start)(lcg_host_ctx*, uint32_t ms, lcg_fn fn, void* user, lcg_timer* out) LCG_NOEXCEPT;
  lcg_status (*timer_cancel)(lcg_host_ctx*, lcg_timer) LCG_NOEXCEPT; /* fn will not run; STALE if it has */
  lcg_status (*post)(lcg_host_ctx*, lcg_fn fn, void* user) LCG_NOEXCEPT; /* [any] to the lane; always runs */
  /* Runs work on the blocking pool, then done on the lane. LCG_E_BUSY when the pool queue is full. */
  lcg_status (*offload)(lcg_host_ctx*, lcg_fn work, lcg_fn done, void* user) LCG_NOEXCEPT;
  /* Optional interfaces by name and version ("metrics/1"); NULL if absent. */
  const void* (*query)(lcg_host_ctx*, lcg_str name)LCG_NOEXCEPT;
} lcg_host;

/* What the plugin offers. A NULL function, or a kind missing from request_mask, means "not interested": the
 * host then skips this plugin at no cost. create, start, stop and destroy are required. */
typedef struct lcg_plugin_ops {
  uint32_t struct_size;
  uint32_t request_mask; /* bit (1u << LCG_REQ_x) set: on_request wants kind x */
  /* Reads its settings with host->config. On failure writes why to err, NUL-terminated. */
  lcg_status (*create)(const lcg_host*, lcg_instance** out, char* err, size_t err_size) LCG_NOEXCEPT;
  void (*start)(lcg_instance*, lcg_token ready) LCG_NOEXCEPT; /* reply to ready when serving */
  void (*stop)(lcg_instance*, lcg_token done) LCG_NOEXCEPT;   /* finish or cancel all, join threads, reply */
  void (*destroy)(lcg_instance*) LCG_NOEXCEPT;                /* after stop; no callback follows */

  void (*on_request)(lcg_instance*, const lcg_request*) LCG_NOEXCEPT;
  void (*on_cancel)(lcg_instance*, lcg_token) LCG_NOEXCEPT; /* answer no longer needed; replying is allowed */
  /* A host->call to one of our services; answer token with host->reply. */
  void (*on_call)(lcg_instance*, lcg_token, const lcg_call*) LCG_NOEXCEPT;
  /* This lane gained (owned 1) or lost (owned 0) a slot; every slot gained is told before it gets a call. */
  void (*on_slot)(lcg_instance*, uint32_t slot, uint64_t term, uint32_t owned) LCG_NOEXCEPT;
  void (*on_disconnect)(lcg_instance*, const lcg_peer*, uint32_t code) LCG_NOEXCEPT; /* no answer expected */
  const void* (*query)(lcg_instance*, lcg_str name)LCG_NOEXCEPT; /* mirror of host->query */
} lcg_plugin_ops;

/* Constant data: a tool can read it without running the plugin. */
typedef struct lcg_descriptor {
  uint32_t magic; /* LCG_ABI_MAGIC */
  uint32_t struct_size;
  uint16_t abi_major, abi_minor; /* of the header it was compiled with */
  uint16_t min_host_minor;       /* oldest host minor it can live with */
  uint16_t reserved;
  const char* name;     /* [a-z][a-z0-9_]*; NUL-terminated, as are the next three */
  const char* version;  /* the plugin's own, for logs */
  const char* license;  /* SPDX */
  const char* provides; /* space-separated service names, or "" */
  const lcg_plugin_ops* ops;
} lcg_descriptor;

/* The only symbol a plugin exports; it must do nothing but return the address of constant data. */
LCG_EXPORT const lcg_descriptor* lcg_plugin_descriptor(void) LCG_NOEXCEPT;

#ifdef __cplusplus
}
#endif
#endif
