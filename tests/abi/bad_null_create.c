/* SPDX-License-Identifier: Apache-2.0
 * A required function is missing. */
#define BAD_CREATE NULL
#include "bad_plugin.h"
