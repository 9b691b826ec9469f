// Every limit of the plugin host, with its unit. What an operator may change is a default of HostOptions.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace lcg::host {

inline constexpr size_t kMaxPlugins = 64;        // in one configuration
inline constexpr size_t kMaxPluginName = 64;     // bytes
inline constexpr size_t kMaxOutstanding = 8192;  // unanswered requests and calls of one instance
inline constexpr unsigned kPendingBits = 16;     // 2^16 unanswered requests and calls of one lane
inline constexpr unsigned kOutgoingBits = 16;    // 2^16 host->call, publish, ... of one lane
inline constexpr unsigned kTimerBits = 20;       // 2^20 plugin timers of one lane
inline constexpr size_t kTurnBatch = 256;        // deferred steps run before the lane gets a turn
inline constexpr size_t kMaxMessage = 123;       // bytes of lcg_result.message (RFC 6455 5.5: close reason)
inline constexpr size_t kMaxReason = 1024;       // bytes of the text with which create, start or stop fails
inline constexpr uint32_t kLogLinesPerSecond = 100;       // of one instance; the rest is counted
inline constexpr size_t kMaxLogLine = 2048;               // bytes of one line of a plugin
inline constexpr size_t kMaxListedWaits = 8;              // named in the report of a late start or stop
inline constexpr Nanos kCallbackBudget = Millis(1);       // over it: counted
inline constexpr Nanos kCallbackAlarm = Millis(10);       // over it: logged
inline constexpr Millis kCallTimeout{5000};               // host->call with timeout_ms 0
inline constexpr Millis kEventTimeout{2000};              // for a plugin to take an event somebody waits for
inline constexpr Millis kCommitTimeout{1000};             // for a plugin to say whether something may be kept
inline constexpr Millis kMaxCommitTimeout{3000};          // less than a client waits for its send
inline constexpr Millis kStartDeadline{30'000};           // start to ready
inline constexpr Millis kStopDeadline{10'000};            // stop to destroyed
inline constexpr Millis kMaxCallTimeout{10 * 60 * 1000};  // longer ones are cut to this

}  // namespace lcg::host
