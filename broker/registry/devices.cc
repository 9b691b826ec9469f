#include "broker/registry/devices.h"

#include <algorithm>
#include <utility>

#include "broker/error_table.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {

void Devices::make_room(const std::string& user, RoomFn done) {
  ServiceCall scan{"storage", "scan", user, storage::Scan(kCollection, "", "", kMaxPerUser).encode(),
                   "host",    0};
  host_.call(std::move(scan), kStoreTimeout,
             [this, done = std::move(done)](ServiceCallResponse answer) mutable {
               Room room;
               storage::ScanRows found;
               if (answer.status == LCG_OK && !storage::ScanRows::decode(answer.data, found))
                 answer.status = LCG_E_INTERNAL;
               if (answer.status != LCG_OK) {
                 room.outcome = outcome_of_call(answer, error_code::kInternal);
                 return done(std::move(room));
               }
               if (found.rows.size() < kMaxPerUser) return done(std::move(room));
               const auto issued_ms = [](const storage::Row& row) {
                 wire::Reader reader(row.value);
                 static_cast<void>(reader.u64());  // the epoch
                 return reader.u64();
               };
               const auto oldest = std::min_element(
                   found.rows.begin(), found.rows.end(),
                   [&issued_ms](const auto& a, const auto& b) { return issued_ms(a) < issued_ms(b); });
               room.evicted = oldest->key;
               room.epoch = static_cast<uint64_t>(std::max<int64_t>(1, lane_.clock().wall_ms()));
               done(std::move(room));
             });
}

}  // namespace lcg::broker
