// The seams of time and chance: logic asks these, a simulation owns them.
#pragma once
#include <chrono>
#include <cstdint>
#include <span>

namespace lcg {

using Nanos = std::chrono::nanoseconds;
using Millis = std::chrono::milliseconds;

// A point on CLOCK_MONOTONIC, or on the simulation's clock.
struct MonoTime {
  int64_t ns = 0;
  friend auto operator<=>(const MonoTime&,
                          const MonoTime&) = default;  // NOLINT: clang-tidy 14 sees a 0 in <=>
  friend MonoTime operator+(MonoTime t, Nanos d) { return {t.ns + d.count()}; }
  friend Nanos operator-(MonoTime a, MonoTime b) { return Nanos(a.ns - b.ns); }
};

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual int64_t wall_ms() const = 0;  // Unix ms; may jump either way
};

// Any thread. Production is the kernel's generator; a simulation is seeded.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::byte> out) = 0;
  uint64_t u64() {
    uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  // Uniform in [0, bound); bound > 0. The bias of the modulo is under 2^-32 for bounds under 2^32.
  uint64_t below(uint64_t bound) { return u64() % bound; }
};

const Clock& system_clock();
Random& system_random();

}  // namespace lcg
