/* SPDX-License-Identifier: Apache-2.0
 * Not an lcg plugin at all. */
#define BAD_MAGIC 0xdeadbeefu
#include "bad_plugin.h"
