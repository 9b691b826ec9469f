/* SPDX-License-Identifier: Apache-2.0
 * Depends on something newer than this host. */
#define BAD_MIN_HOST_MINOR 9
#include "bad_plugin.h"
