// SPDX-License-Identifier: Apache-2.0
// The answers that say no, worded once.
#pragma once
#include <string>
#include <string_view>

#include "lcg/reply.hpp"
#include "lcg/services/chat.hpp"
#include "state.h"

namespace lcg::dialog {

// A stranger, and anybody asking for what does not exist.
inline Reply denied() { return Reply::error(LCG_E_DENIED, "permission denied", chat::code::kDenied); }
inline Reply refused(std::string what, uint32_t code) {
  return Reply::error(LCG_E_DENIED, std::move(what), code);
}
inline Reply conflict(std::string what, uint32_t code) {
  return Reply::error(LCG_E_CONFLICT, std::move(what), code);
}
inline Reply invalid(std::string_view what) {
  return Reply::error(LCG_E_INVALID, std::string(what.substr(0, 100)), chat::code::kBadRequest);
}
inline Reply recalled() { return conflict("recalled", chat::code::kRecalled); }
inline Reply muted(int64_t until_ms) {
  return refused("muted_until:" + std::to_string(until_ms), chat::code::kMuted);
}
// Too much at once.
inline Reply retry_after(uint64_t ms) {
  return Reply::error(LCG_E_BUSY, "retry_after_ms:" + std::to_string(ms), chat::code::kTooManyRequests);
}
// Nothing was done, or nobody knows: ask again later. The host turns it into a temporary error.
inline Reply busy(std::string what) { return Reply::error(LCG_E_BUSY, std::move(what)); }
inline Reply not_open(const Outcome<DialogPtr>& opened) {
  return opened.status == LCG_E_NOT_FOUND ? denied() : busy(opened.message);
}

}  // namespace lcg::dialog
