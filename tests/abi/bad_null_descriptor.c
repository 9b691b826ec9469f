/* SPDX-License-Identifier: Apache-2.0
 * The descriptor function returns nothing. */
#include "lcg/lcg_plugin.h"

const lcg_descriptor* lcg_plugin_descriptor(void) { return NULL; }
