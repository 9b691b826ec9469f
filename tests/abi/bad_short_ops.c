/* SPDX-License-Identifier: Apache-2.0
 * A function table that ends before the required functions. */
#define BAD_OPS_SIZE 16
#include "bad_plugin.h"
