// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/block_list.h"

namespace lcg::user {
namespace {

// The broker keeps its own "user_block" in the same partition: until when an operator shuts a user out.
const std::string kBlockCollection = "user_blocked";  // partition: who blocks; key: whom; value: since when

}  // namespace

Task<Reply> BlockList::block(std::string user, std::string blocked) {
  const auto turn = co_await turns_.acquire(user);  // what is counted is what holds when it is written
  const Outcome<std::vector<std::string>> present = co_await list(user);
  if (!present.ok()) co_return Reply::error(present.status, present.message);
  for (const std::string& one : present.value)
    if (one == blocked) co_return Reply();
  if (present.value.size() >= kMaxBlocks)
    co_return Reply::error(LCG_E_CONFLICT, "at most " + std::to_string(kMaxBlocks) + " users can be blocked");
  storage::Batch batch;
  batch.put(kBlockCollection, std::move(blocked),
            wire::Writer().u64(static_cast<uint64_t>(host_.wall_ms())).take());
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Reply> BlockList::unblock(std::string user, std::string blocked) {
  const auto turn = co_await turns_.acquire(user);
  storage::Batch batch;
  batch.erase(kBlockCollection, std::move(blocked));
  co_return co_await storage_.commit(std::move(user), std::move(batch));
}

Task<Outcome<std::vector<std::string>>> BlockList::list(std::string user) const {
  storage::Scan scan;
  scan.collection = kBlockCollection;
  scan.limit = kMaxBlocks;
  Outcome<storage::ScanRows> rows = co_await storage_.scan(std::move(user), std::move(scan));
  Outcome<std::vector<std::string>> out{rows.status, std::move(rows.message), {}};
  for (storage::Row& row : rows.value.rows) out.value.push_back(std::move(row.key));
  co_return out;
}

Task<Outcome<bool>> BlockList::blocks(std::string user, std::string other) const {
  Reply found = co_await storage_.get(std::move(user), kBlockCollection, std::move(other));
  Outcome<bool> out{found.status, std::move(found.message), found.ok()};
  if (found.status == LCG_E_NOT_FOUND) out.status = LCG_OK;
  co_return out;
}

Task<Outcome<Blocks>> BlockList::check(std::string first, std::string second) const {
  Outcome<Blocks> out;
  const Outcome<bool> there = co_await blocks(first, second);
  const Outcome<bool> back = co_await blocks(second, first);
  for (const Outcome<bool>* half : {&there, &back}) {
    if (half->ok()) continue;
    out.status = half->status;
    out.message = half->message;
  }
  out.value = {there.value, back.value};
  co_return out;
}

}  // namespace lcg::user
