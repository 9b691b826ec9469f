// Structured log lines to stderr: an event and its facts.
//
//   log::info("session closed", {{"code", 3008}, {"queued_bytes", queued}});
//   ts=2024-05-01T12:00:00.123Z level=info event="session closed" code=3008 queued_bytes=1048590
//
// Any thread. A line is built by its caller and, once start_writer() ran, only queued: a reader of stderr
// that stalls (a full pipe to the journal) delays the writer thread and never a lane; at kQueueBytes lines
// are dropped and the number of those is logged. Before start_writer() and after stop_writer() a line is
// written at once, which is what tools and tests want. spdlog's async mode would allocate a message a line
// and hand out a thread pool; what is needed of it is this one queue. Never log payloads, tokens or addresses
// of people. Control characters, DEL, U+2028 and U+2029 are escaped and bytes that are not UTF-8 replaced, so
// that no value can forge a line.
#pragma once
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/status.h"

namespace lcg::log {

enum class Level : uint8_t { kDebug, kInfo, kWarn, kError, kOff };
enum class Format : uint8_t { kLogfmt, kJson };

inline constexpr size_t kMaxValue = 1024;       // bytes of one value before it is cut
inline constexpr size_t kMaxLine = 16 << 10;    // bytes of one line
inline constexpr size_t kQueueBytes = 4 << 20;  // bytes waiting for the writer thread

class Value {
 public:
  enum class Kind : uint8_t { kText, kSigned, kUnsigned, kDouble, kBool };
  Value(const char* text) : kind_(Kind::kText), text_(text) {}         // NOLINT: implicit by design
  Value(std::string_view text) : kind_(Kind::kText), text_(text) {}    // NOLINT
  Value(const std::string& text) : kind_(Kind::kText), text_(text) {}  // NOLINT
  Value(bool flag) : kind_(Kind::kBool), unsigned_(flag) {}            // NOLINT
  Value(double number) : kind_(Kind::kDouble), double_(number) {}      // NOLINT
  template <std::signed_integral T>
  Value(T number) : kind_(Kind::kSigned), signed_(number) {}  // NOLINT
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Value(T number) : kind_(Kind::kUnsigned), unsigned_(number) {}  // NOLINT

  Kind kind() const { return kind_; }
  // REQUIRES: the kind of the name.
  std::string_view text() const { return text_; }
  int64_t signed_number() const { return signed_; }
  uint64_t unsigned_number() const { return unsigned_; }
  double real() const { return double_; }
  bool flag() const { return unsigned_ != 0; }

 private:
  Kind kind_;
  std::string_view text_;
  union {
    int64_t signed_;
    uint64_t unsigned_;
    double double_;
  };
};

// Borrowed for the length of the call. `key` is a plain word: [a-z0-9_.]+.
struct Field {
  std::string_view key;
  Value value;
};
using Fields = std::initializer_list<Field>;

// May be called at run time from any thread; takes effect at once.
void set_level(Level level);
Level level();
void set_format(Format format);
bool enabled(Level level);
Result<Level> parse_level(std::string_view name);    // debug, info, warn, error, off
Result<Format> parse_format(std::string_view name);  // logfmt, json

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) {
  if (enabled(Level::kDebug)) write(Level::kDebug, event, fields);
}
inline void info(std::string_view event, Fields fields = {}) {
  if (enabled(Level::kInfo)) write(Level::kInfo, event, fields);
}
inline void warn(std::string_view event, Fields fields = {}) {
  if (enabled(Level::kWarn)) write(Level::kWarn, event, fields);
}
inline void error(std::string_view event, Fields fields = {}) {
  if (enabled(Level::kError)) write(Level::kError, event, fields);
}

// The line without its newline, as write() would print it at `wall_ms`.
std::string format_line(Format format, int64_t wall_ms, Level level, std::string_view event, Fields fields);

// From main, once: moves writing to its own thread. stop_writer() writes what is queued and goes back to
// direct.
void start_writer();
void stop_writer();

// Where lines go: stderr (2) unless a test wants them in a pipe. Not to be changed while the writer thread
// runs.
void set_fd(int fd);

}  // namespace lcg::log
