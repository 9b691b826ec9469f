/* SPDX-License-Identifier: Apache-2.0
 * Exports more than its descriptor. */
#include "bad_plugin.h"

LCG_EXPORT int another_symbol(void);
int another_symbol(void) { return 1; }
