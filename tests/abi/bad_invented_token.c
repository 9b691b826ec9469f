/* SPDX-License-Identifier: Apache-2.0
 * Answers tokens it was never given. */
#define OWN_ON_REQUEST
#include "bad_plugin.h"

static void on_request(lcg_instance* self, const lcg_request* r) {
  for (lcg_token delta = 1; delta <= 64; ++delta) {
    answer(self, r->token + delta, LCG_OK);
    answer(self, r->token - delta, LCG_OK);
    answer(self, r->token + (delta << 32), LCG_OK);
  }
  answer(self, 0, LCG_OK);
  answer(self, ~(lcg_token)0, LCG_OK);
  answer(self, r->token, LCG_OK);
}
