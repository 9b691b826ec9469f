#include "broker/api/codes.h"

#include <array>

namespace lcg {
namespace {

struct ErrorRow {
  uint32_t code;
  std::string_view text;
  bool temporary;
};
constexpr std::array<ErrorRow, 14> kErrors = {{
    {error_code::kInternal, "internal server error", true},
    {error_code::kUnauthorized, "unauthorized", false},
    {error_code::kUnknownChannel, "unknown channel", false},
    {error_code::kPermissionDenied, "permission denied", false},
    {error_code::kMethodNotFound, "method not found", false},
    {error_code::kAlreadySubscribed, "already subscribed", false},
    {error_code::kLimitExceeded, "limit exceeded", false},
    {error_code::kBadRequest, "bad request", false},
    {error_code::kNotAvailable, "not available", false},
    {error_code::kTokenExpired, "token expired", false},
    {error_code::kExpired, "expired", true},
    {error_code::kTooManyRequests, "too many requests", true},
    {error_code::kUnrecoverablePosition, "unrecoverable position", false},
    {error_code::kConcurrentPagination, "concurrent pagination", true},
}};

struct DisconnectRow {
  uint32_t code;
  std::string_view text;
};
constexpr std::array<DisconnectRow, 22> kDisconnects = {{
    {disconnect_code::kConnectionClosed, "connection closed"},
    {disconnect_code::kShutdown, "shutdown"},
    {disconnect_code::kInternal, "internal server error"},
    {disconnect_code::kExpired, "connection expired"},
    {disconnect_code::kSubscriptionExpired, "subscription expired"},
    {disconnect_code::kSlow, "slow"},
    {disconnect_code::kWriteError, "write error"},
    {disconnect_code::kInsufficientState, "insufficient state"},
    {disconnect_code::kForceReconnect, "force reconnect"},
    {disconnect_code::kNoPong, "no pong"},
    {disconnect_code::kTooManyRequests, "too many requests"},
    {disconnect_code::kStateInvalidated, "state invalidated"},
    {disconnect_code::kInvalidToken, "invalid token"},
    {disconnect_code::kBadRequest, "bad request"},
    {disconnect_code::kStale, "stale"},
    {disconnect_code::kForceDisconnect, "force disconnect"},
    {disconnect_code::kConnectionLimit, "connection limit"},
    {disconnect_code::kChannelLimit, "channel limit"},
    {disconnect_code::kInappropriateProtocol, "inappropriate protocol"},
    {disconnect_code::kPermissionDenied, "permission denied"},
    {disconnect_code::kNotAvailable, "not available"},
    {disconnect_code::kTooManyErrors, "too many errors"},
}};

const ErrorRow* find_error(uint32_t code) {
  for (const ErrorRow& row : kErrors)
    if (row.code == code) return &row;
  return nullptr;
}

}  // namespace

std::string_view error_text(uint32_t code) {
  const ErrorRow* row = find_error(code);
  return row == nullptr ? std::string_view() : row->text;
}

std::string_view disconnect_text(uint32_t code) {
  for (const DisconnectRow& row : kDisconnects)
    if (row.code == code) return row.text;
  return {};
}

Error make_error(uint32_t code) {
  const ErrorRow* row = find_error(code);
  if (row == nullptr) return {code, {}, false};
  return {code, std::string(row->text), row->temporary};
}

Disconnect make_disconnect(uint32_t code) { return {code, std::string(disconnect_text(code))}; }

}  // namespace lcg
