#include "base/clock.h"

#include <sys/random.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/status.h"

namespace lcg {
namespace {

class SystemClock final : public Clock {
 public:
  MonoTime mono() const override {
    timespec ts;
    ::clock_gettime(CLOCK_MONOTONIC, &ts);
    return {static_cast<int64_t>(ts.tv_sec) * 1'000'000'000 + ts.tv_nsec};
  }
  int64_t wall_ms() const override {
    timespec ts;
    ::clock_gettime(CLOCK_REALTIME, &ts);
    return static_cast<int64_t>(ts.tv_sec) * 1000 + ts.tv_nsec / 1'000'000;
  }
};

void kernel_random(std::byte* out, size_t size) {
  while (size > 0) {
    ssize_t got = ::getrandom(out, size, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      die("getrandom failed: the kernel gives no randomness");
    }
    out += got;
    size -= static_cast<size_t>(got);
  }
}

// One buffer a thread, so that an id of 8 or 16 bytes does not cost a system call. Bytes handed out are
// wiped.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::byte> out) override {
    thread_local Buffer buffer;
    if (out.size() > kBuffer / 2) return kernel_random(out.data(), out.size());
    if (kBuffer - buffer.used < out.size()) {
      kernel_random(buffer.bytes.data(), kBuffer);
      buffer.used = 0;
    }
    std::memcpy(out.data(), buffer.bytes.data() + buffer.used, out.size());
    std::memset(buffer.bytes.data() + buffer.used, 0, out.size());
    buffer.used += out.size();
  }

 private:
  static constexpr size_t kBuffer = 512;
  struct Buffer {
    std::array<std::byte, kBuffer> bytes;
    size_t used = kBuffer;
  };
};

}  // namespace

const Clock& system_clock() {
  static const SystemClock clock;
  return clock;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace lcg
