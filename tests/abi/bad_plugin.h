/* SPDX-License-Identifier: Apache-2.0
 * bad_plugin.h: a correct plugin in pieces, of which each bad_*.c spoils one. Define before including what is
 * to be different: BAD_<FIELD> for a descriptor field, OWN_<FUNCTION> to write that function yourself. */
#include <stdlib.h>
#include <string.h>

#include "lcg/lcg_plugin.h"

#ifndef BAD_MAGIC
#define BAD_MAGIC LCG_ABI_MAGIC
#endif
#ifndef BAD_SIZE
#define BAD_SIZE sizeof(lcg_descriptor)
#endif
#ifndef BAD_OPS_SIZE
#define BAD_OPS_SIZE sizeof(lcg_plugin_ops)
#endif
#ifndef BAD_MAJOR
#define BAD_MAJOR LCG_ABI_MAJOR
#endif
#ifndef BAD_MIN_HOST_MINOR
#define BAD_MIN_HOST_MINOR 0
#endif
#ifndef BAD_NAME
#define BAD_NAME "bad"
#endif
#ifndef BAD_OPS
#define BAD_OPS &bad_ops
#endif
#ifndef BAD_MASK
#define BAD_MASK (1u << LCG_REQ_RPC)
#endif
#ifndef BAD_CREATE
#define BAD_CREATE create
#endif

struct lcg_instance {
  const lcg_host* host;
  lcg_token kept;
};

static inline lcg_status answer(lcg_instance* self, lcg_token token, lcg_status status) {
  lcg_result result = {.struct_size = sizeof result, .status = status};
  return self->host->reply(self->host->ctx, token, &result);
}

static inline lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
#ifdef OWN_CREATE
  return own_create(host, out, err, err_size);
#else
  (void)err, (void)err_size;
  *out = calloc(1, sizeof **out);
  (*out)->host = host;
  return LCG_OK;
#endif
}
#ifndef OWN_START
static void start(lcg_instance* self, lcg_token ready) { answer(self, ready, LCG_OK); }
#else
static void start(lcg_instance* self, lcg_token ready);
#endif
#ifndef OWN_STOP
static void stop(lcg_instance* self, lcg_token done) { answer(self, done, LCG_OK); }
#else
static void stop(lcg_instance* self, lcg_token done);
#endif
static void destroy(lcg_instance* self) { free(self); }
#ifndef OWN_ON_REQUEST
static void on_request(lcg_instance* self, const lcg_request* r) { answer(self, r->token, LCG_OK); }
#else
static void on_request(lcg_instance* self, const lcg_request* r);
#endif

__attribute__((unused)) static const lcg_plugin_ops bad_ops = {.struct_size = BAD_OPS_SIZE,
                                                               .request_mask = BAD_MASK,
                                                               .create = BAD_CREATE,
                                                               .start = start,
                                                               .stop = stop,
                                                               .destroy = destroy,
                                                               .on_request = on_request};

const lcg_descriptor* lcg_plugin_descriptor(void) {
  static const lcg_descriptor descriptor = {.magic = BAD_MAGIC,
                                            .struct_size = BAD_SIZE,
                                            .abi_major = BAD_MAJOR,
                                            .abi_minor = LCG_ABI_MINOR,
                                            .min_host_minor = BAD_MIN_HOST_MINOR,
                                            .name = BAD_NAME,
                                            .version = "1.0.0",
                                            .license = "Apache-2.0",
                                            .provides = "",
                                            .ops = BAD_OPS};
  return &descriptor;
}
