// Status and Result<T>: what can happen in a correct run, as values.
//
// Exceptions are used inside std and Boost calls and caught at the lane and at the plugin ABI; they are never
// a part of an interface of ours. A broken invariant is not a Status: it is `die("sentence")`.
#pragma once
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lcg {

enum class Code : uint8_t {
  kOk,
  kInvalid,
  kDenied,
  kNotFound,
  kConflict,
  kBusy,
  kTimeout,
  kUnavailable,
  kCancelled,
  kFenced,
  kUnsupported,
  kInternal
};
std::string_view code_name(Code code);

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  bool ok() const { return code_ == Code::kOk; }
  Code code() const { return code_; }
  const std::string& message() const { return message_; }
  // "not_found: no such plugin"
  std::string text() const;

 private:
  Code code_ = Code::kOk;
  std::string message_;
};

// A value or a Status that is not ok.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT: implicit by design
  Result(Status status) : value_(std::move(status)) {}  // NOLINT
  bool ok() const { return std::holds_alternative<T>(value_); }
  // REQUIRES: ok()
  T& value() { return std::get<T>(value_); }
  const T& value() const { return std::get<T>(value_); }
  // REQUIRES: !ok()
  const Status& status() const { return std::get<Status>(value_); }

 private:
  std::variant<T, Status> value_;
};

// Ends the process: an invariant of ours is broken and going on could lose data. Writes the sentence to
// stderr.
[[noreturn]] void die(std::string_view sentence);

// Runs once before die() writes its sentence: where queued log lines are flushed. Must not block for long.
using DieHook = void (*)();
void set_die_hook(DieHook hook);

}  // namespace lcg
