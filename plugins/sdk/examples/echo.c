/* SPDX-License-Identifier: Apache-2.0
 * The same as echo.cc, in C: answers the rpc "echo" with its own data. */
#include <stdlib.h>

#include "lcg/lcg_plugin.h"

struct lcg_instance {
  const lcg_host* host;
};

static lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)err, (void)err_size;
  *out = malloc(sizeof **out);
  if (*out == NULL) return LCG_E_INTERNAL;
  (*out)->host = host;
  return LCG_OK;
}

static void answer(lcg_instance* self, lcg_token token, lcg_status status, lcg_bytes data) {
  lcg_result result = {.struct_size = sizeof result, .status = status, .data = data};
  self->host->reply(self->host->ctx, token, &result);
}

static void start(lcg_instance* self, lcg_token ready) { answer(self, ready, LCG_OK, (lcg_bytes){0}); }
static void stop(lcg_instance* self, lcg_token done) { answer(self, done, LCG_OK, (lcg_bytes){0}); }
static void destroy(lcg_instance* self) { free(self); }

static void on_request(lcg_instance* self, const lcg_request* r) {
  const int ours = r->name.size == 4 && __builtin_memcmp(r->name.data, "echo", 4) == 0;
  answer(self, r->token, ours ? LCG_OK : LCG_DEFER, ours ? r->data : (lcg_bytes){0});
}

static const lcg_plugin_ops ops = {.struct_size = sizeof ops,
                                   .request_mask = 1u << LCG_REQ_RPC,
                                   .create = create,
                                   .start = start,
                                   .stop = stop,
                                   .destroy = destroy,
                                   .on_request = on_request};

const lcg_descriptor* lcg_plugin_descriptor(void) {
  static const lcg_descriptor descriptor = {.magic = LCG_ABI_MAGIC,
                                            .struct_size = sizeof descriptor,
                                            .abi_major = LCG_ABI_MAJOR,
                                            .abi_minor = LCG_ABI_MINOR,
                                            .name = "echo_c",
                                            .version = "1.0.0",
                                            .license = "Apache-2.0",
                                            .provides = "",
                                            .ops = &ops};
  return &descriptor;
}
