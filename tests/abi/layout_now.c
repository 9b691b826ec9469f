/* SPDX-License-Identifier: Apache-2.0 */
#include "lcg/lcg_plugin.h"

#include "layout_table.h" /* describes the header above */

extern const struct lcg_layout lcg_layout_now[];
const struct lcg_layout lcg_layout_now[] = LCG_LAYOUT_TABLE;
