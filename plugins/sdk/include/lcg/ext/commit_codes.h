/* SPDX-License-Identifier: Apache-2.0
 * ext/commit_codes.h: the error codes that a word before a commit (ext/before_commit.h) may give a client.
 *
 * A client acts by a code: below 400 are the protocol's own, and 1001 to 1099 what the log itself says ("send again from
 * number 5"). They are not a moderator's to give, nor is what is above 1999: such a refusal comes as 103 with its words.
 */
#ifndef LCG_EXT_COMMIT_CODES_H
#define LCG_EXT_COMMIT_CODES_H
#include <stdint.h>

enum {
  LCG_COMMIT_CODE_MIN = 400,
  LCG_COMMIT_CODE_MAX = 1999,
  LCG_LOG_CODE_MIN = 1001,
  LCG_LOG_CODE_MAX = 1099,
  LCG_COMMIT_CODE_PLAIN = 103 /* permission denied */
};

/* What the client gets for `code` of an answer; 0: the answer had none. */
static inline uint32_t lcg_commit_code(uint32_t code) {
  if (code < LCG_COMMIT_CODE_MIN || code > LCG_COMMIT_CODE_MAX) return LCG_COMMIT_CODE_PLAIN;
  if (code >= LCG_LOG_CODE_MIN && code <= LCG_LOG_CODE_MAX) return LCG_COMMIT_CODE_PLAIN;
  return code;
}
#endif
