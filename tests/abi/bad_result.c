/* SPDX-License-Identifier: Apache-2.0
 * Answers with results that make no sense: an unknown status, a struct that is too short, none at all. */
#define OWN_ON_REQUEST
#include "bad_plugin.h"

static int is(lcg_str name, const char* text) {
  return name.size == strlen(text) && memcmp(name.data, text, name.size) == 0;
}

static void on_request(lcg_instance* self, const lcg_request* r) {
  lcg_result result = {.struct_size = sizeof result, .status = 77};
  if (is(r->name, "short")) {
    result.struct_size = 4;
    result.status = LCG_OK;
  }
  self->host->reply(self->host->ctx, r->token, is(r->name, "null") ? NULL : &result);
}
