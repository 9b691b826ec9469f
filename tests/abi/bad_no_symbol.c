/* SPDX-License-Identifier: Apache-2.0
 * Exports nothing. */
int lcg_nothing_to_see(void);
int lcg_nothing_to_see(void) { return 0; }
