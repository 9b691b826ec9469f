/* SPDX-License-Identifier: Apache-2.0
 * Does not answer stop. */
#define OWN_STOP
#include "bad_plugin.h"

static void stop(lcg_instance* self, lcg_token done) { (void)self, (void)done; }
