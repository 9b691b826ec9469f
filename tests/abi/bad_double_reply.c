/* SPDX-License-Identifier: Apache-2.0
 * Answers each request twice; the second answer tells the status of the first reply in its log. */
#define OWN_ON_REQUEST
#include "bad_plugin.h"

static void on_request(lcg_instance* self, const lcg_request* r) {
  const lcg_token token = r->token;
  answer(self, token, LCG_OK);
  const char* const text =
      answer(self, token, LCG_E_DENIED) == LCG_E_STALE ? "second reply was stale" : "second reply was taken";
  self->host->log(self->host->ctx, 2, (lcg_str){text, strlen(text)});
}
