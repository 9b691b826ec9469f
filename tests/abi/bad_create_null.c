/* SPDX-License-Identifier: Apache-2.0
 * Says create succeeded and gives no instance. */
#define OWN_CREATE
#include "lcg/lcg_plugin.h"

static lcg_status own_create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) {
  (void)host, (void)out, (void)err, (void)err_size;
  return LCG_OK;
}
#include "bad_plugin.h"
