// SPDX-License-Identifier: Apache-2.0
#include "slots.h"

#include "lcg/services/message.hpp"
#include "record.h"

namespace lcg::message {

Task<lcg_status> read_slot(storage::Client store, uint32_t slot, IdAllocator* ids,
                           std::function<void(uint64_t)> unsettled) {
  const std::string partition = partition_of_slot(slot);
  Outcome<storage::ScanRows> last = co_await store.scan(partition, {kRecords, "", "", 1, true});
  if (!last.ok()) co_return last.status;
  for (const storage::Row& row : last.value.rows) ids->observe(slot, storage::u64_of_key(row.key));

  storage::Scan page{kTryingIndex, "", "", storage::kMaxScanRows, false};
  for (;;) {
    Outcome<storage::ScanRows> trying = co_await store.scan(partition, page);
    if (!trying.ok()) co_return trying.status;
    for (const storage::Row& row : trying.value.rows) unsettled(storage::u64_of_key(row.key));
    if (!trying.value.more || trying.value.rows.empty()) co_return LCG_OK;
    page.from = trying.value.rows.back().key + '\0';
  }
}

}  // namespace lcg::message
