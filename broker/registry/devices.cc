#include "broker/registry/devices.h"

#include <algorithm>
#include <utility>

#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

// When the document was issued.
uint64_t issued_ms(const storage::Row& row) {
  wire::Reader reader(row.value);
  static_cast<void>(reader.u64());  // the epoch
  return reader.u64();
}

}  // namespace

// Epoch, then the wall clock in ms when it was issued.
std::string Devices::document(uint64_t epoch) const {
  return wire::Writer().u64(epoch).u64(static_cast<uint64_t>(lane_.clock().wall_ms())).take();
}

void Devices::replace(const std::string& user, const std::string& device, std::string current, uint64_t epoch,
                      MadeFn done) {
  storage::Batch batch;
  batch.require_equals(kCollection, device, std::move(current));
  batch.put(kCollection, device, document(epoch));
  host_.call({"storage", "commit", user, batch.encode(), "host", 0}, kStoreTimeout,
             [epoch, done = std::move(done)](ServiceCallResponse answer) mutable {
               done(std::move(answer), epoch);
             });
}

void Devices::make(const std::string& user, std::string device, UniqueFunction<bool()> wanted, MadeFn done) {
  std::deque<New>& waiting = waiting_.try_emplace(user).first->value;
  if (waiting.size() >= kMaxWaiting) return done({LCG_E_BUSY, 0, {}, {}}, 0);
  waiting.push_back({std::move(device), std::move(wanted), std::move(done)});
  if (waiting.size() == 1) scan(user);
}

void Devices::scan(const std::string& user) {
  if (!waiting_.find(user)->value.front().wanted()) return made(user, {LCG_E_CANCELLED, 0, {}, {}}, 0);
  host_.call(
      {"storage", "scan", user,
       storage::Scan(kCollection, "", "", static_cast<uint32_t>(storage::kMaxScanRows)).encode(), "host", 0},
      kStoreTimeout, [this, user](ServiceCallResponse answer) {
        if (answer.status != LCG_OK) return made(user, std::move(answer), 0);
        write(user, answer.data);
      });
}

void Devices::write(const std::string& user, const std::string& scanned) {
  storage::ScanRows found;
  if (!storage::ScanRows::decode(scanned, found)) return made(user, {LCG_E_INTERNAL, 0, {}, {}}, 0);
  New& first = waiting_.find(user)->value.front();
  if (!first.wanted()) return made(user, {LCG_E_CANCELLED, 0, {}, {}}, 0);
  storage::Batch batch;
  batch.require_absent(kCollection, first.device);
  uint64_t epoch = kFirstEpoch;
  if (found.rows.size() >= kMaxPerUser) {
    const size_t excess = found.rows.size() - (kMaxPerUser - 1);
    const auto end = found.rows.begin() + static_cast<std::ptrdiff_t>(excess);
    std::nth_element(found.rows.begin(), end - 1, found.rows.end(), [](const auto& a, const auto& b) {
      return std::pair(issued_ms(a), std::string_view(a.key)) <
             std::pair(issued_ms(b), std::string_view(b.key));
    });
    for (auto row = found.rows.begin(); row != end; ++row) batch.erase(kCollection, std::move(row->key));
    epoch = static_cast<uint64_t>(std::max<int64_t>(1, lane_.clock().wall_ms()));
  }
  batch.put(kCollection, first.device, document(epoch));
  host_.call({"storage", "commit", user, batch.encode(), "host", 0}, kStoreTimeout,
             [this, user, epoch](ServiceCallResponse answer) { made(user, std::move(answer), epoch); });
}

void Devices::made(const std::string& user, ServiceCallResponse answer, uint64_t epoch) {
  std::deque<New>& waiting = waiting_.find(user)->value;
  New first = std::move(waiting.front());
  waiting.pop_front();
  const bool more = !waiting.empty();
  if (!more) waiting_.erase(user);
  first.done(std::move(answer), epoch);
  if (more) scan(user);
}

}  // namespace lcg::broker
