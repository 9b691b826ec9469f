// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/name_index.h"

#include <algorithm>
#include <iterator>

#include "plugins/names/names.h"

namespace lcg::user {
namespace {

const std::string kCollection = "user_reading";
constexpr size_t kMaxReadingBytes = 400;  // a longer one counts by its beginning; a partition has 512

std::string partition_of(std::string_view reading) {
  return "user/readings/" + std::string(reading.substr(0, kMaxReadingBytes));
}

std::string key_of(NameIndex::Kind kind, std::string_view user) {
  return static_cast<char>(kind) + std::string(user);
}

std::string behind(NameIndex::Kind kind) {
  return std::string(1, static_cast<char>(static_cast<char>(kind) + 1));
}

uint64_t stamp_of(std::string_view value) {
  wire::Reader reader(value);
  const uint64_t stamp = reader.u64();
  return reader.ok() ? stamp : 0;
}

}  // namespace

Readings readings_of(std::string_view text) { return text.empty() ? Readings() : names::folded(text); }

bool contains(const Readings& readings, const std::string& one) {
  return std::find(readings.begin(), readings.end(), one) != readings.end();
}

Readings without(const Readings& readings, const Readings& others) {
  Readings out;
  std::copy_if(readings.begin(), readings.end(), std::back_inserter(out),
               [&](const std::string& one) { return !contains(others, one); });
  return out;
}

Task<Reply> NameIndex::put(Kind kind, std::string user, std::string reading, uint64_t stamp) const {
  storage::Batch batch;
  batch.durable = false;
  batch.put(kCollection, key_of(kind, user), wire::Writer().u64(stamp).take());
  co_return co_await storage_.commit(partition_of(reading), std::move(batch));
}

Task<Outcome<Readings>> NameIndex::add(Kind kind, std::string user, Readings readings, uint64_t stamp) const {
  Outcome<Readings> out;
  for (std::string& reading : readings) {
    const Reply found = co_await storage_.get(partition_of(reading), kCollection, key_of(kind, user));
    Reply done = found;
    if (found.ok() || found.status == LCG_E_NOT_FOUND) done = co_await put(kind, user, reading, stamp);
    if (!found.ok()) out.value.push_back(std::move(reading));  // a write that failed may come to be there
    if (done.ok()) continue;
    out.status = done.status;
    out.message = done.message;
    break;
  }
  co_return out;
}

Task<Reply> NameIndex::keep(Kind kind, std::string user, Readings readings, uint64_t stamp) const {
  for (const std::string& reading : readings) {
    const Reply found = co_await storage_.get(partition_of(reading), kCollection, key_of(kind, user));
    if (found.ok()) continue;
    if (found.status != LCG_E_NOT_FOUND) co_return found;
    const Reply written = co_await put(kind, user, reading, stamp);
    if (!written.ok()) co_return written;
  }
  co_return Reply();
}

Task<Reply> NameIndex::remove(Kind kind, std::string user, Readings readings) const {
  Reply done;
  for (const std::string& reading : readings) {
    storage::Batch batch;
    batch.durable = false;
    batch.erase(kCollection, key_of(kind, user));
    Reply erased = co_await storage_.commit(partition_of(reading), std::move(batch));
    if (!erased.ok()) done = std::move(erased);
  }
  co_return done;
}

Task<Outcome<std::vector<NameIndex::Row>>> NameIndex::rows(Kind kind, std::string but_user,
                                                           Readings readings) const {
  Outcome<std::vector<Row>> out;
  for (const std::string& reading : readings) {
    storage::Scan scan(kCollection, key_of(kind, ""), behind(kind), kMaxRows + 1);  // one may be `but_user`'s
    Outcome<storage::ScanRows> found = co_await storage_.scan(partition_of(reading), std::move(scan));
    if (!found.ok()) co_return Outcome<std::vector<Row>>{found.status, std::move(found.message), {}};
    for (const storage::Row& row : found.value.rows)
      if (row.key.substr(1) != but_user)
        out.value.push_back({row.key.substr(1), reading, kind, stamp_of(row.value)});
  }
  co_return out;
}

}  // namespace lcg::user
