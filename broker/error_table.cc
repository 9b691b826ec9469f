#include "broker/error_table.h"

#include <algorithm>

namespace lcg::broker {
namespace {

uint32_t code_of_status(int32_t status, uint32_t not_found) {
  switch (status) {
    case LCG_E_DENIED:
      return error_code::kPermissionDenied;
    case LCG_E_NOT_FOUND:
      return not_found;
    case LCG_E_INVALID:
    case LCG_E_CONFLICT:
      return error_code::kBadRequest;
    case LCG_E_UNSUPPORTED:
      return error_code::kNotAvailable;
    case LCG_E_BUSY:
      return error_code::kTooManyRequests;
    default:
      return error_code::kInternal;
  }
}

constexpr uint32_t kMaxDisconnectCode = 4999;

// What went wrong inside is for the log, not for clients.
bool tells_its_message(uint32_t code) { return code != error_code::kInternal; }

}  // namespace

Error error_of_status(int32_t status, uint32_t error_code, const std::string& message, uint32_t not_found) {
  const bool named = error_code != 0;
  Error error = make_error(named ? error_code : code_of_status(status, not_found));
  if (!message.empty() && (named || tells_its_message(error.code))) error.message = message;
  return error;
}

Outcome outcome_of_call(const ServiceCallResponse& answer, uint32_t not_found) {
  if (answer.status == LCG_OK) return {};
  return {error_of_status(answer.status, answer.error_code, answer.message, not_found), {}};
}

Disconnect disconnect_of(uint32_t code, const std::string& reason) {
  if (code < disconnect_code::kConnectionClosed || code > kMaxDisconnectCode)
    code = disconnect_code::kForceDisconnect;
  Disconnect out = make_disconnect(code);
  if (reason.empty()) return out;
  size_t size = std::min(reason.size(), kMaxReasonBytes);
  // Not in the middle of a character.
  while (size > 0 && size < reason.size() && (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80)
    --size;
  out.reason = reason.substr(0, size);
  return out;
}

Outcome outcome_of_chain(const host::ChainResult& result, uint32_t not_found) {
  if (result.disconnect_code != 0) return {{}, disconnect_of(result.disconnect_code, result.message)};
  if (result.status == LCG_OK) return {};
  Error error = error_of_status(result.status, result.error_code, result.message, not_found);
  error.temporary = error.temporary || result.temporary();
  return {std::move(error), {}};
}

uint32_t http_status_of(const host::ChainResult& result) {
  if (result.error_code >= 100 && result.error_code <= 599) return result.error_code;
  switch (result.status) {
    case LCG_OK:
      return 200;
    case LCG_DEFER:
    case LCG_E_NOT_FOUND:
      return 404;
    case LCG_E_INVALID:
      return 400;
    case LCG_E_DENIED:
      return 403;
    case LCG_E_CONFLICT:
      return 409;
    case LCG_E_BUSY:
      return 429;
    case LCG_E_UNSUPPORTED:
      return 501;
    case LCG_E_UNAVAILABLE:
      return 503;
    case LCG_E_TIMEOUT:
      return 504;
    default:
      return 500;
  }
}

}  // namespace lcg::broker
