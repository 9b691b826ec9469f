/* SPDX-License-Identifier: Apache-2.0
 * Crashes while it is created. */
#define OWN_CREATE
#include <stdlib.h>

#include "lcg/lcg_plugin.h"

static lcg_status own_create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)host, (void)out, (void)err, (void)err_size;
  abort();
}
#include "bad_plugin.h"
