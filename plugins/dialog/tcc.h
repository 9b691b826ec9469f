// SPDX-License-Identifier: Apache-2.0
// Tcc: the dialog's half of a send: try, confirm, cancel, resolve, and giving a number up.
//
// What try holds lives in memory only: lost with the owner, it is tried again or resolved from the log, which
// alone decides. A cancelled id is refused for kFenceTime afterwards, far longer than any call lives, so a
// try that overtook its cancel does no harm. Lane: the instance's.
#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>

#include "contacts.h"
#include "directory.h"
#include "log.h"
#include "notifier.h"
#include "reader.h"
#include "settings.h"

namespace lcg::dialog {

// Ids that must never be tried again.
class Fence {
 public:
  static constexpr int64_t kFenceTimeNs = 600'000'000'000;
  static constexpr size_t kMaxIds = 65'536;  // the oldest make room
  void add(uint64_t id, int64_t now_ns);
  void remove(uint64_t id);
  bool has(uint64_t id) const { return ids_.contains(id); }

 private:
  std::deque<std::pair<int64_t, uint64_t>> order_;
  std::unordered_set<uint64_t> ids_;
};

class Tcc {
 public:
  Tcc(Host host, const Settings& settings, Directory& directory, Log& log, Reader& reader, Notifier& notifier,
      Contacts& contacts)
      : host_(host),
        settings_(settings),
        directory_(directory),
        log_(log),
        reader_(reader),
        notifier_(notifier),
        contacts_(contacts) {}

  Task<Reply> try_send(TryRequest request);
  Task<Reply> confirm(chat::Key key, uint64_t id);
  Task<Reply> cancel(chat::Key key, uint64_t id);
  Task<Reply> resolve(chat::Key key, uint64_t id);
  Task<Reply> give_up(chat::Key key);
  // Forgets what was held too long. Call about once a second.
  void expire(Dialog& dialog);
  // Nobody must wait for another message of the device any longer.
  void stop_waiting();

 private:
  Reply check_member(const Dialog& dialog, const Member* member, const TryRequest& request) const;
  // `erased`: the target's entry says so.
  bool says_of_recalled(const Dialog& dialog, const TryRequest& request, bool erased) const;
  // Order within the device: gap, window, epoch. REQUIRES: the number was not passed.
  Reply check_lane(Dialog& dialog, Lane& lane, const TryRequest& request);
  // Ends the holding of a message.
  std::optional<Prepared> take(Dialog& dialog, uint64_t id);
  void forget(Dialog& dialog, uint64_t id);
  Task<Reply> submit(DialogPtr dialog, Prepared prepared, Member* member, LanePtr lane);
  // Of a message that is not held.
  Task<Outcome<Resolution>> look_up(DialogPtr dialog, chat::Key key, uint64_t id);
  Task<Reply> settled(std::shared_ptr<Pending> pending);

  Host host_;
  const Settings& settings_;
  Directory& directory_;
  Log& log_;
  Reader& reader_;
  Notifier& notifier_;
  Contacts& contacts_;
  Fence fence_;
  Fence recalled_;                  // messages whose recall was submitted not long ago, and has not failed
  std::multiset<Dialog*> waiting_;  // a confirm waits for its predecessor in this dialog
};

}  // namespace lcg::dialog
