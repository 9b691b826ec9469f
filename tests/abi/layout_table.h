/* SPDX-License-Identifier: Apache-2.0
 * layout_table.h: where each field of the first release lies, according to the lcg_plugin.h included before.
 */
#include "layout_fields.h"

struct lcg_layout {
  const char* name;
  size_t offset, size;
};

#define LCG_LAYOUT_ROW(type, field) {#type "." #field, offsetof(type, field), sizeof(((type*)0)->field)},
#define LCG_LAYOUT_TABLE                        \
  {                                             \
    LCG_V1_0_FIELDS(LCG_LAYOUT_ROW) { 0, 0, 0 } \
  }
