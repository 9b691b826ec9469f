/* SPDX-License-Identifier: Apache-2.0
 * Answers start twice. */
#define OWN_START
#include "bad_plugin.h"

static void start(lcg_instance* self, lcg_token ready) {
  answer(self, ready, LCG_OK);
  answer(self, ready, LCG_OK);
}
