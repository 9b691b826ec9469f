/* SPDX-License-Identifier: Apache-2.0
 * A descriptor that ends before ops. */
#define BAD_SIZE 16
#include "bad_plugin.h"
