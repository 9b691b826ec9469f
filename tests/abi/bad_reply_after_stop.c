/* SPDX-License-Identifier: Apache-2.0
 * Keeps a request and answers it after it has answered stop. */
#define OWN_ON_REQUEST
#define OWN_STOP
#include "bad_plugin.h"

static void on_request(lcg_instance* self, const lcg_request* r) { self->kept = r->token; }
static void stop(lcg_instance* self, lcg_token done) {
  answer(self, done, LCG_OK);
  if (self->kept != 0) answer(self, self->kept, LCG_OK);
  answer(self, done, LCG_OK);
}
