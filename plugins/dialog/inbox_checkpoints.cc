// SPDX-License-Identifier: Apache-2.0
// The part of Inbox that keeps how far each device has everything.
#include <algorithm>

#include "inbox.h"
#include "lcg/json.hpp"
#include "refusals.h"
#include "settings.h"

namespace lcg::dialog {

// One more; beyond what a list can have, the first in the order of their names makes room.
Task<lcg_status> Inbox::count_checkpoint(std::string user, std::string device, storage::Batch* batch) {
  Reply read = co_await store_.get(user, kUserCountDocs, lane_key("device", device));
  if (!read.ok() && read.status != LCG_E_NOT_FOUND) co_return LCG_E_BUSY;
  uint64_t count = read.ok() ? storage::u64_of_key(read.data) : 0;
  if (count >= max_checkpoints_) {
    Outcome<storage::ScanRows> first =
        co_await store_.scan(user, {kCheckpointDocs, lane_key(device, ""), "", 1, false});
    if (!first.ok() || first.value.rows.empty()) co_return LCG_E_BUSY;
    batch->erase(kCheckpointDocs, first.value.rows.front().key);
    --count;
  }
  batch->put(kUserCountDocs, lane_key("device", device), storage::key_u64(count + 1));
  co_return LCG_OK;
}

Task<Reply> Inbox::checkpoint(std::string user, std::string device, std::string dialog, uint64_t seq) {
  const auto turn = co_await users_.acquire(user);
  Outcome<UserDialog> found = co_await find(user, dialog);
  UserDialog d = std::move(found.value);
  if (!found.ok() || d.in) {  // a former member's head stays where it is
    Reply refusal = co_await find_member(user, dialog, seq, &d);
    if (!refusal.ok()) co_return refusal;
  }
  seq = std::min(seq, d.head);
  const std::string key = lane_key(device, dialog);
  Reply old = co_await store_.get(user, kCheckpointDocs, key);
  if (!old.ok() && old.status != LCG_E_NOT_FOUND) co_return busy(old.message);
  uint64_t stored = old.ok() ? storage::u64_of_key(old.data) : 0;
  if (seq > stored) {
    stored = seq;
    storage::Batch batch;
    batch.durable = false;
    batch.put(kCheckpointDocs, key, storage::key_u64(seq));
    if (!old.ok()) {
      const lcg_status counted = co_await count_checkpoint(user, device, &batch);
      if (counted != LCG_OK) co_return busy("the store did not answer");
    }
    Reply reply = co_await store_.commit(user, std::move(batch));
    if (!reply.ok()) co_return busy("the store did not answer");
  }
  co_return Reply::with(json::Writer().num("seq", stored).take());
}

Task<Reply> Inbox::checkpoints(std::string user, std::string device, std::string after, uint32_t limit) {
  const std::string prefix = lane_key(device, "");
  const std::string from = after.empty() ? prefix : prefix + after + '\0';
  std::string to = prefix;
  to.back() = '\1';
  Outcome<storage::ScanRows> rows = co_await store_.scan(
      user, {kCheckpointDocs, from, to, std::clamp<uint32_t>(limit, 1, kMaxCheckpointsPage), false});
  if (!rows.ok()) co_return busy(rows.message);
  std::vector<std::string> items;
  items.reserve(rows.value.rows.size());
  for (const storage::Row& row : rows.value.rows)
    items.push_back(json::Writer()
                        .text("dialog", std::string_view(row.key).substr(prefix.size()))
                        .num("seq", storage::u64_of_key(row.value))
                        .take());
  co_return Reply::with(
      json::Writer().raw("checkpoints", json::array(items)).boolean("more", rows.value.more).take());
}

}  // namespace lcg::dialog
