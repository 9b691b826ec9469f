// SPDX-License-Identifier: Apache-2.0
// Every limit of the dialog plugin in one place, but for what is kept of a log's end (tail.h). YAML keys have the same names.
#pragma once
#include <chrono>
#include <cstdint>

#include "lcg/host.hpp"

namespace lcg::dialog {

// Not for YAML: sizes that bound one request or one dialog's memory.
inline constexpr size_t kMaxPageEntries = 200, kMaxPageBytes = 256u << 10;
inline constexpr size_t kMaxRecoverEntries = 1000;
inline constexpr size_t kMaxRecoverBytes = 8u << 20;  // of them; a namespace may have less (recovery_bytes)
inline constexpr size_t kMaxUsersPerChange = 100, kMaxCreateMembers = 200;
inline constexpr uint32_t kListedAtOnce = 500;  // users put into the outbox by one write
inline constexpr size_t kMaxWindows = 32;       // periods of membership remembered; the oldest is dropped
inline constexpr size_t kMaxUnnumbered = 64;    // in flight per device
inline constexpr size_t kMaxLanes = 8192;       // devices of one dialog in memory; idle ones make room
inline constexpr size_t kMaxPrepared = 4096;    // tried and not confirmed, per dialog
inline constexpr size_t kMaxTitleBytes = 256;
inline constexpr size_t kMaxAvatarBytes = 512;
inline constexpr double kTypingRate = 2;  // a second and user, all dialogs of an owner
inline constexpr uint64_t kTypingBurst = 10;
inline constexpr uint32_t kMaxTypingPerSecond = 20;                   // of one dialog, whoever types
inline constexpr size_t kMaxSeenAtOnce = 200;                         // read marks in one push
inline constexpr int64_t kMaxMuteMs = 10LL * 365 * 24 * 3600 * 1000;  // from now; a later end is this one
inline constexpr uint64_t kMaxLeft = 1000;  // dialogs a user has left that sync still tells
inline constexpr uint32_t kHousekeepingMs = 1000;
// Of one step of it, about a tenth of a millisecond: a dialog is 1, a held message 1, what a dialog then does kRestCost.
inline constexpr size_t kHousekeepingStep = 1000, kRestCost = 100;
// Rows of one answer: dialog.list, dialog.members, dialog.checkpoints.
inline constexpr uint32_t kMaxListPage = 100, kMaxMembersPage = 500, kMaxCheckpointsPage = 500;
// Of one sync: dialogs that changed, and large ones, whose heads are asked for. More is answered as "snapshot".
inline constexpr size_t kMaxChanges = 1000, kMaxLargeDialogs = 200;
// Each of them costs a call for every news: about one second of what one dialog may cause (notifier.h).
inline constexpr int64_t kMaxFanLimit = 800;

struct Settings {
  uint64_t cache_dialogs = 4096;  // dialogs an instance keeps in memory; more only while all are in use
  uint64_t max_members = 100'000;
  uint64_t max_bans = 1000;    // of one dialog
  uint64_t max_former = 1000;  // remembered of one dialog; those who left first make room
  uint64_t fan_limit = 500;    // up to this many members are told one by one that a dialog has news
  std::chrono::milliseconds notify_delay{50};
  std::chrono::milliseconds try_time{10'000};  // T_try: a tried message waits this long for its confirm
  std::chrono::milliseconds idle_time{5'000};  // without news for this long, a dialog is put to rest
  bool tell_seen = false;                      // who is subscribed is told when a member has read further
  bool events = false;                         // what is committed is delivered by the service "events"
  // A user's list: dialogs in it by the user's own doing; by the doing of all others, groups and direct dialogs each; groups
  // by the doing of one other.
  uint64_t max_dialogs = 10'000, max_added = 5'000, max_added_by = 100;
  uint64_t create_rate = 30, create_burst = 200;  // dialogs a minute that a user makes
  uint64_t add_rate = 300, add_burst = 1'000;     // people a minute that a user puts into dialogs
  uint64_t pull_rate = 20, pull_burst = 100;      // cost units a second and user (pull_budget.h)

  // Of one device: of every dialog that a list may have, and of as many that were left as it keeps.
  uint64_t max_checkpoints() const { return max_dialogs + 2 * max_added + kMaxLeft; }

  static Settings from(const Host& host) {
    Settings s;
    s.cache_dialogs = static_cast<uint64_t>(host.config_int("cache_dialogs", 4096, 16, 1'000'000));
    s.max_members = static_cast<uint64_t>(host.config_int("max_members", 100'000, 2, 10'000'000));
    s.max_bans = static_cast<uint64_t>(host.config_int("max_bans", 1000, 1, 1'000'000));
    s.max_former = static_cast<uint64_t>(host.config_int("max_former", 1000, 10, 1'000'000));
    s.fan_limit = static_cast<uint64_t>(host.config_int("fan_limit", 500, 0, kMaxFanLimit));
    s.notify_delay = host.config_duration("notify_delay", s.notify_delay, std::chrono::milliseconds(1));
    s.try_time = host.config_duration("try_time", s.try_time, std::chrono::milliseconds(100));
    s.idle_time = host.config_duration("idle_time", s.idle_time, std::chrono::milliseconds(100));
    s.tell_seen = host.config_bool("tell_seen", false);
    s.events = host.config_bool("events", false);
    const auto count = [&host](const char* key, uint64_t fallback, int64_t least) {
      return static_cast<uint64_t>(
          host.config_int(key, static_cast<int64_t>(fallback), least, 1'000'000'000));
    };
    s.max_dialogs = count("max_dialogs", s.max_dialogs, 1);
    s.max_added = count("max_added", s.max_added, 1);
    s.max_added_by = count("max_added_by", s.max_added_by, 1);
    s.create_rate = count("create_rate", s.create_rate, 1);
    s.create_burst = count("create_burst", s.create_burst, 1);
    s.add_rate = count("add_rate", s.add_rate, 1);
    s.add_burst = count("add_burst", s.add_burst, kMaxCreateMembers);
    s.pull_rate = static_cast<uint64_t>(host.config_int("pull_rate", 20, 1, 1'000'000));
    s.pull_burst = static_cast<uint64_t>(host.config_int("pull_burst", 100, 10, 1'000'000));
    return s;
  }
};

}  // namespace lcg::dialog
