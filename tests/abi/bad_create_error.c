/* SPDX-License-Identifier: Apache-2.0
 * Cannot start, and says why. */
#define OWN_CREATE
#include <stdio.h>

#include "lcg/lcg_plugin.h"

static lcg_status own_create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)host, (void)out;
  snprintf(err, err_size, "no licence for this machine");
  return LCG_E_DENIED;
}
#include "bad_plugin.h"
