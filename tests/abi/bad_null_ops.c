/* SPDX-License-Identifier: Apache-2.0
 * No function table. */
#define BAD_OPS NULL
#include "bad_plugin.h"
