// The states of a session and what each does with what arrives, as one table.
//
//   fresh ──connect──▶ connecting ──answered──▶ open
//     │                    │ └──answered with an error──▶ refused
//     └────────────────────┴──────────┴──────────────────────┴──▶ draining ──transport closed──▶ (deleted)
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace lcg::gateway {

enum class SessionState : uint8_t {
  kFresh,       // no connect yet; the stale timer runs
  kConnecting,  // connect is with the broker; what follows it is held
  kOpen,
  kRefused,   // connect was answered with an error; the stale timer runs
  kDraining,  // closed by either side: what is queued goes out, nothing is taken in
};

enum class Input : uint8_t { kConnect, kPong, kCommand };

enum class Verdict : uint8_t {
  kRun,
  kBadRequest,  // closed with 3501
  kDrop,
};

// Source: client-protocol 1.3, rules 1, 2 and 6; 1.7 step 1. A connection runs one command at a time, so
// nothing is looked up while one is connecting.
inline constexpr std::array<std::array<Verdict, 3>, 5> kVerdicts = {{
    // connect, pong, command
    {Verdict::kRun, Verdict::kBadRequest, Verdict::kBadRequest},         // fresh
    {Verdict::kBadRequest, Verdict::kBadRequest, Verdict::kBadRequest},  // connecting
    {Verdict::kBadRequest, Verdict::kRun, Verdict::kRun},                // open
    {Verdict::kBadRequest, Verdict::kBadRequest, Verdict::kBadRequest},  // refused
    {Verdict::kDrop, Verdict::kDrop, Verdict::kDrop},                    // draining
}};

constexpr Verdict verdict(SessionState state, Input input) {
  return kVerdicts[static_cast<size_t>(state)][static_cast<size_t>(input)];
}

}  // namespace lcg::gateway
