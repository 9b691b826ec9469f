/* SPDX-License-Identifier: Apache-2.0
 * Built for another major. */
#define BAD_MAJOR 2
#include "bad_plugin.h"
