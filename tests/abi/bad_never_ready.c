/* SPDX-License-Identifier: Apache-2.0
 * Starts for ever. */
#define OWN_START
#include "bad_plugin.h"

static void start(lcg_instance* self, lcg_token ready) { (void)self, (void)ready; }
