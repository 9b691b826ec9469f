/* SPDX-License-Identifier: Apache-2.0
 * A name that is no name. */
#define BAD_NAME "Bad Name"
#include "bad_plugin.h"
