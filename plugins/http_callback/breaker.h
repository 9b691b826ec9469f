// SPDX-License-Identifier: Apache-2.0
// Breaker: stops asking a back end that does not answer, so that its clients are told at once instead of each
// waiting for the timeout.
//
//   closed    every call is let through; `failures` in a row open it
//   open      no call is let through for `open_for`
//   half open one call is let through, the probe: its success closes, its failure opens again
//
// One an instance and back end: each lane finds out for itself, and nothing is shared. Lane: the instance's.
#pragma once
#include <cstdint>

namespace lcg::http_callback {

class Breaker {
 public:
  struct Rule {
    uint32_t failures = 5;  // in a row; 0: never opens
    int64_t open_for_ns = 5'000'000'000;
  };

  explicit Breaker(Rule rule) : rule_(rule) {}

  // May a call be made now? True is answered by succeeded(), failed() or abandoned().
  bool admit(int64_t now_ns) {
    if (!open_) return true;
    if (now_ns < until_ns_ || probing_) return false;
    probing_ = true;
    return true;
  }
  // True: it was open, and is closed now.
  bool succeeded() {
    const bool was_open = open_;
    open_ = probing_ = false;
    in_a_row_ = 0;
    return was_open;
  }
  // True: it was closed, and is open now.
  bool failed(int64_t now_ns) {
    const bool was_open = open_;
    if (in_a_row_ < UINT32_MAX) ++in_a_row_;
    // Calls that began before it opened say nothing new.
    if (was_open && !probing_) return false;
    if (rule_.failures == 0 || (!was_open && in_a_row_ < rule_.failures)) return false;
    open_ = true;
    probing_ = false;
    until_ns_ = now_ns + rule_.open_for_ns;
    return !was_open;
  }
  // The call ended without saying anything about the back end.
  void abandoned() { probing_ = false; }

  bool is_open() const { return open_; }

 private:
  const Rule rule_;
  uint32_t in_a_row_ = 0;
  bool open_ = false, probing_ = false;
  int64_t until_ns_ = 0;
};

}  // namespace lcg::http_callback
