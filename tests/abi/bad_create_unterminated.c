/* SPDX-License-Identifier: Apache-2.0
 * Fills err to the last byte and forgets the NUL. */
#define OWN_CREATE
#include <string.h>

#include "lcg/lcg_plugin.h"

static lcg_status own_create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)host, (void)out;
  memset(err, 'x', err_size);
  return LCG_E_INTERNAL;
}
#include "bad_plugin.h"
