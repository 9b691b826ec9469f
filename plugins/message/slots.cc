// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#include "lcg/services/message.hpp"
#include "lcg/services/storage_pages.hpp"
#include "record.h"

namespace lcg::message {

Task<lcg_status> read_slot(Host host, uint32_t slot, IdAllocator* ids,
                           std::function<void(uint64_t)> unsettled, std::function<void(uint64_t)> erasing) {
  const std::string partition = partition_of_slot(slot);
  Outcome<storage::ScanRows> last =
      co_await storage::Client(host).scan(partition, {kRecords, "", "", 1, true});
  if (!last.ok()) co_return last.status;
  for (const storage::Row& row : last.value.rows) ids->observe(slot, storage::u64_of_key(row.key));

  storage::Pages trying(host, partition, {kTryingIndex, "", ""});
  while (!trying.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await trying.next();
    if (!rows.ok()) co_return rows.status;
    for (const storage::Row& row : rows.value) unsettled(storage::u64_of_key(row.key));
  }
  storage::Pages recalls(host, partition, {kErasing, "", ""});
  while (!recalls.done()) {
    Outcome<std::vector<storage::Row>> rows = co_await recalls.next();
    if (!rows.ok()) co_return rows.status;
    for (const storage::Row& row : rows.value) erasing(storage::u64_of_key(row.key));
  }
  co_return LCG_OK;
}

}  // namespace lcg::message
