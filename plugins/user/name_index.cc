// SPDX-License-Identifier: Apache-2.0
#include "plugins/user/name_index.h"

#include <algorithm>

#include "plugins/names/names.h"

namespace lcg::user {
namespace {

const std::string kCollection = "user_reading";
constexpr NameIndex::Kind kShownKinds[] = {NameIndex::Kind::kProfile, NameIndex::Kind::kAccount};
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

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::vector<std::string> folded(const std::string& text) {
  return text.empty() ? std::vector<std::string>() : names::folded(text);
}

}  // namespace

Task<Reply> NameIndex::add(Kind kind, std::string user, std::string text) const {
  const std::vector<std::string> readings = folded(text);
  for (const std::string& reading : readings) {
    const Reply found = co_await storage_.get(partition_of(reading), kCollection, key_of(kind, user));
    if (found.ok()) continue;
    if (found.status != LCG_E_NOT_FOUND) co_return found;
    storage::Batch batch;
    batch.put(kCollection, key_of(kind, user), "");
    Reply written = co_await storage_.commit(partition_of(reading), std::move(batch));
    if (!written.ok()) co_return written;
  }
  co_return Reply();
}

Task<Reply> NameIndex::remove(Kind kind, std::string user, std::string text, std::string kept) const {
  const std::vector<std::string> readings = folded(text), stay = folded(kept);
  for (const std::string& reading : readings) {
    if (contains(stay, reading)) continue;
    storage::Batch batch;
    batch.erase(kCollection, key_of(kind, user));
    Reply erased = co_await storage_.commit(partition_of(reading), std::move(batch));
    if (!erased.ok()) co_return erased;
  }
  co_return Reply();
}

Task<Outcome<std::string>> NameIndex::id_like(std::string user, std::string bare, std::string text) const {
  const std::vector<std::string> readings = folded(text), own_ids = folded(user), own_bare = folded(bare);
  for (const std::string& reading : readings) {
    if (contains(own_ids, reading) || contains(own_bare, reading)) continue;
    const Reply own = co_await storage_.get(partition_of(reading), kCollection, key_of(Kind::kId, user));
    if (own.ok()) continue;
    if (own.status != LCG_E_NOT_FOUND) co_return Outcome<std::string>{own.status, own.message, {}};
    storage::Scan scan;
    scan.collection = kCollection;
    scan.from = key_of(Kind::kId, "");
    scan.to = behind(Kind::kId);
    scan.limit = 1;
    const Outcome<storage::ScanRows> rows = co_await storage_.scan(partition_of(reading), std::move(scan));
    if (!rows.ok()) co_return Outcome<std::string>{rows.status, rows.message, {}};
    if (!rows.value.rows.empty())
      co_return Outcome<std::string>{LCG_OK, {}, rows.value.rows[0].key.substr(1)};
  }
  co_return Outcome<std::string>{};
}

Task<Outcome<std::vector<NameIndex::Shown>>> NameIndex::shown_like(std::string user, std::string id) const {
  Outcome<std::vector<Shown>> out;
  const std::vector<std::string> readings = folded(id);
  for (const std::string& reading : readings) {
    for (const Kind kind : kShownKinds) {
      storage::Scan scan;
      scan.collection = kCollection;
      scan.from = key_of(kind, "");
      scan.to = behind(kind);
      scan.limit = kMaxShown;
      const Outcome<storage::ScanRows> rows = co_await storage_.scan(partition_of(reading), std::move(scan));
      if (!rows.ok()) {
        out.status = rows.status;
        out.message = rows.message;
        co_return out;
      }
      for (const storage::Row& row : rows.value.rows)
        if (row.key.substr(1) != user && out.value.size() < kMaxShown)
          out.value.push_back({row.key.substr(1), reading, kind});
    }
  }
  co_return out;
}

}  // namespace lcg::user
