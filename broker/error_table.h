// The one place where a plugin's status becomes what a client is told.
//
// A plugin may name the code itself (lcg_result.error_code, .disconnect_code); else it follows from the
// status:
//   DENIED 103 · NOT_FOUND 102 for channels, 104 for methods · INVALID and CONFLICT 107 · UNSUPPORTED 108
//   BUSY 111, temporary · TIMEOUT, UNAVAILABLE, CANCELLED, STALE, FENCED, INTERNAL and unknown ones 100,
//   temporary
// With LCG_RESULT_TEMPORARY any code is temporary: the client tries again.
#pragma once
#include <cstdint>
#include <string>

#include "broker/api/requests.h"
#include "broker/host/plugin_host.h"

namespace lcg::broker {

inline constexpr size_t kMaxReasonBytes = 123;  // RFC 6455 5.5.1

// `not_found`: kUnknownChannel or kMethodNotFound. REQUIRES: status < 0.
Error error_of_status(int32_t status, uint32_t error_code, const std::string& message, uint32_t not_found);
// Empty when the call succeeded.
Outcome outcome_of_call(const ServiceCallResponse& answer, uint32_t not_found);
// Empty for LCG_OK without a disconnect code. REQUIRES: status is not LCG_DEFER.
Outcome outcome_of_chain(const host::ChainResult& result, uint32_t not_found);
// A plugin's own code and words, cut to what a close frame holds; a code outside 3000..4999 becomes 3503.
Disconnect disconnect_of(uint32_t code, const std::string& reason);
// The HTTP status of a plugin's answer; LCG_DEFER is 404.
uint32_t http_status_of(const host::ChainResult& result);

}  // namespace lcg::broker
