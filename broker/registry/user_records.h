// UserRecords: what outlives a user's sessions: when he was seen last, and until when he is blocked.
//
// Documents of the user's own partition, key "record": collection "user_block" (durable; until when, Unix ms) and
// "user_status" (not synced: a power failure may lose the last moments; the end of the last session, Unix ms). The
// lane of the user's slot is their single writer, and the store refuses one with an older term, so they are put
// without a condition. Both begin with a format version. Lane: its own.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/growing_map.h"
#include "base/lane.h"
#include "broker/host/plugin_host.h"

namespace lcg::broker {

class UserRecords {
 public:
  // An error 100 when the store does not answer, or what it has cannot be read.
  using TimeFn = UniqueFunction<void(Outcome, int64_t ms)>;
  using DoneFn = UniqueFunction<void(Outcome)>;

  // `stored` false: there is no store. Nothing is known of anybody, and nobody can be blocked: error 108.
  UserRecords(Lane& lane, host::PluginHost& host, bool stored) : lane_(lane), host_(host), stored_(stored) {}

  // Unix ms; 0: never blocked. `done` never runs before the return, as with all of these.
  void read_block(const std::string& user, TimeFn done);
  // 0 removes it. `done` with no error: it is on stable storage.
  void write_block(const std::string& user, int64_t until_ms, DoneFn done);

  // 0: never.
  void read_seen(const std::string& user, TimeFn done);
  // Written soon, a few at a time, again and again until the store takes it.
  void seen(const std::string& user, int64_t at_ms);

  static constexpr Millis kStoreTimeout{3'000};
  static constexpr Millis kRetryAfter{1'000};
  static constexpr size_t kMaxWrites = 64;            // of `seen` under way at a time
  static constexpr size_t kMaxUnwritten = 1'000'000;  // users; beyond it a time is lost and logged

 private:
  void read(const char* collection, const std::string& user, TimeFn done);
  void queue(const std::string& user, int64_t at_ms, bool newer);
  void pump();
  void written(const std::string& user, int64_t at_ms, int32_t status);

  Lane& lane_;
  host::PluginHost& host_;
  const bool stored_;
  GrowingMap<std::string, int64_t> unwritten_;
  std::deque<std::string> order_;  // of unwritten_, each once
  size_t writing_ = 0;
  size_t lost_ = 0;
  bool paused_ = false;
};

}  // namespace lcg::broker
