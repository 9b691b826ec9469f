/* SPDX-License-Identifier: Apache-2.0 */
#include "v1_0/lcg_plugin.h"

#include "layout_table.h" /* describes the header above */

extern const struct lcg_layout lcg_layout_v1_0[];
const struct lcg_layout lcg_layout_v1_0[] = LCG_LAYOUT_TABLE;
