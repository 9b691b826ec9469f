/* SPDX-License-Identifier: Apache-2.0
 * Takes requests and answers none. */
#define OWN_ON_REQUEST
#include "bad_plugin.h"

static void on_request(lcg_instance* self, const lcg_request* r) { (void)self, (void)r; }
