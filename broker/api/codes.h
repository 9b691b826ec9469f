// Error and disconnect codes of the client protocol, with the words that go with them.
// Source: client-protocol 1.10 (errors) and 1.11 (disconnects). One place; nobody writes a bare number.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lcg {

// Answer to one command; code 0 is none.
struct Error {
  uint32_t code = 0;
  std::string message;
  bool temporary = false;
  explicit operator bool() const { return code != 0; }
};

// Closes the connection. A code in 3500..3999 or 4500..4999 tells the SDK not to come back.
struct Disconnect {
  uint32_t code = 0;
  std::string reason;  // at most 123 bytes (RFC 6455 5.5), plain text
  explicit operator bool() const { return code != 0; }
};

namespace error_code {
inline constexpr uint32_t kInternal = 100, kUnauthorized = 101, kUnknownChannel = 102,
                          kPermissionDenied = 103, kMethodNotFound = 104, kAlreadySubscribed = 105,
                          kLimitExceeded = 106, kBadRequest = 107, kNotAvailable = 108, kTokenExpired = 109,
                          kExpired = 110, kTooManyRequests = 111, kUnrecoverablePosition = 112,
                          kConcurrentPagination = 113;
}  // namespace error_code

namespace disconnect_code {
inline constexpr uint32_t kConnectionClosed = 3000, kShutdown = 3001, kInternal = 3004, kExpired = 3005,
                          kSubscriptionExpired = 3006, kSlow = 3008, kWriteError = 3009,
                          kInsufficientState = 3010, kForceReconnect = 3011, kNoPong = 3012,
                          kTooManyRequests = 3013, kStateInvalidated = 3014, kInvalidToken = 3500,
                          kBadRequest = 3501, kStale = 3502, kForceDisconnect = 3503, kConnectionLimit = 3504,
                          kChannelLimit = 3505, kInappropriateProtocol = 3506, kPermissionDenied = 3507,
                          kNotAvailable = 3508, kTooManyErrors = 3509;
}  // namespace disconnect_code

namespace unsubscribe_code {
inline constexpr uint32_t kServer = 2000, kInsufficientState = 2500, kExpired = 2501,
                          kStateInvalidated = 2502;
}  // namespace unsubscribe_code

// The standard words of a code; "" for one that is not standard.
std::string_view error_text(uint32_t code);
std::string_view disconnect_text(uint32_t code);
// Error with the standard words and the standard temporary flag.
Error make_error(uint32_t code);
Disconnect make_disconnect(uint32_t code);

}  // namespace lcg
