// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/key_ring.h"

#include "plugins/uaa/records.h"

namespace lcg::uaa {
namespace {

constexpr uint32_t kMaxKeys = 100;
constexpr int kAttempts = 3;  // to be first or to see who was

}  // namespace

Task<Reply> KeyRing::load() {
  const uint64_t before = loads_;
  const AsyncLock::Guard guard = co_await loading_.acquire();
  if (loads_ != before) co_return Reply();  // whoever held the lock has just read it
  Reply reply;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    reply = co_await read();
    if (!reply.ok()) co_return reply;
    const bool due = meta_.empty() || host_.wall_ms() - meta_.back().created_ms > rotate_after_.count();
    if (!due) break;
    reply = co_await make_successor();
    if (reply.status != LCG_OK && reply.status != LCG_E_CONFLICT) co_return reply;
  }
  if (meta_.empty()) co_return Reply::error(LCG_E_UNAVAILABLE, "no signing key could be made");
  ++loads_;
  co_await drop_old();
  co_return Reply();
}

Task<Reply> KeyRing::ensure_loaded() {
  if (loads_ > 0) co_return Reply();
  co_return co_await load();
}

Task<bool> KeyRing::look_again() {
  const int64_t now = host_.now_ns();
  const int64_t interval = std::chrono::nanoseconds(kReloadInterval).count();
  if (looked_again_ns_ >= 0 && now - looked_again_ns_ < interval) co_return false;
  looked_again_ns_ = now;
  const Reply reply = co_await load();
  co_return reply.ok();
}

Task<Reply> KeyRing::read() {
  storage::Scan scan;
  scan.collection = kKeyCollection;
  scan.limit = kMaxKeys;
  Outcome<storage::ScanRows> rows = co_await storage_.scan(std::string(kKeyPartition), std::move(scan));
  if (!rows.ok()) co_return Reply::error(rows.status, rows.message);
  std::vector<Es256Key> keys;
  std::vector<Meta> meta;
  for (const storage::Row& row : rows.value.rows) {
    const uint64_t serial = storage::u64_of_key(row.key);
    KeyRecord record;
    std::optional<Es256Key> key;
    for (size_t i = 0; i < meta_.size(); ++i)
      if (meta_[i].serial == serial) key = keys_[i];  // a serial is one key for ever
    const bool read = decode(row.value, record);
    if (read && !key) key = Es256Key::from_private_der(record.private_der);
    if (!read || !key) co_return Reply::error(LCG_E_INTERNAL, "a stored signing key cannot be read");
    keys.push_back(*std::move(key));
    meta.push_back({serial, record.created_ms});
  }
  keys_ = std::move(keys);
  meta_ = std::move(meta);
  co_return Reply();
}

Task<Reply> KeyRing::make_successor() {
  const uint64_t serial = meta_.empty() ? 1 : meta_.back().serial + 1;
  const KeyRecord record{Es256Key::generate().private_der(), host_.wall_ms()};
  const std::string key = storage::key_u64(serial);
  storage::Batch batch;
  batch.require_absent(std::string(kKeyCollection), key);
  batch.put(std::string(kKeyCollection), key, encode(record));
  Reply reply = co_await storage_.commit(std::string(kKeyPartition), std::move(batch));
  if (reply.ok()) host_.info("made signing key " + std::to_string(serial));
  co_return reply;
}

// Erasing what another instance has erased already does no harm.
Task<void> KeyRing::drop_old() {
  storage::Batch batch;
  const int64_t now = host_.wall_ms();
  for (size_t i = 0; i + 1 < meta_.size(); ++i) {
    if (meta_[i + 1].created_ms + kPublishDelay.count() + keep_for_.count() >= now) break;
    batch.erase(std::string(kKeyCollection), storage::key_u64(meta_[i].serial));
  }
  const size_t dropped = batch.ops.size();
  if (dropped == 0) co_return;
  const Reply reply = co_await storage_.commit(std::string(kKeyPartition), std::move(batch));
  if (!reply.ok()) co_return;  // the next load tries again
  keys_.erase(keys_.begin(), keys_.begin() + static_cast<std::ptrdiff_t>(dropped));
  meta_.erase(meta_.begin(), meta_.begin() + static_cast<std::ptrdiff_t>(dropped));
  host_.info("dropped " + std::to_string(dropped) + " old signing keys");
}

const Es256Key& KeyRing::signing_key() const {
  const int64_t known_to_all = host_.wall_ms() - kPublishDelay.count();
  for (size_t i = keys_.size(); i-- > 1;)
    if (meta_[i].created_ms <= known_to_all) return keys_[i];
  return keys_.front();
}

std::string KeyRing::jwks() const {
  std::string out = R"({"keys":[)";
  for (const Es256Key& key : keys_) {
    if (out.back() != '[') out.push_back(',');
    out += key.jwk();
  }
  return out + "]}";
}

}  // namespace lcg::uaa
