// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/key_ring.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <utility>

#include "lcg/services/storage_pages.hpp"
#include "plugins/uaa/records.h"

namespace lcg::uaa {
namespace {

constexpr int kAttempts = 3;  // to be first or to see who was

// A row is of no use in the place of another.
std::string context_of(uint64_t serial) { return "lcg uaa signing key " + std::to_string(serial); }

}  // namespace

Task<Reply> KeyRing::load() {
  const uint64_t before = loads_;
  const AsyncLock::Guard guard = co_await loading_.acquire();
  if (loads_ != before) co_return Reply();  // whoever held the lock has just read it
  co_return co_await load_locked();
}

Task<Reply> KeyRing::load_locked() {
  Reply reply;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    reply = co_await read();
    if (reply.ok()) reply = co_await seal_again();
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
  storage::Pages pages(host_, std::string(kKeyPartition), {std::string(kKeyCollection), "", ""});
  std::vector<storage::Row> rows;
  while (!pages.done()) {
    Outcome<std::vector<storage::Row>> page = co_await pages.next();
    if (!page.ok()) co_return Reply::error(page.status, page.message);
    std::move(page.value.begin(), page.value.end(), std::back_inserter(rows));
  }
  std::vector<Es256Key> keys;
  std::vector<Meta> meta;
  for (const storage::Row& row : rows) {
    const uint64_t serial = storage::u64_of_key(row.key);
    KeyRecord record;
    if (!decode(row.value, record))
      co_return Reply::error(LCG_E_INTERNAL, "a stored signing key cannot be read");
    std::optional<Es256Key> key;
    for (size_t i = 0; i < meta_.size(); ++i)
      if (meta_[i].serial == serial) key = keys_[i];  // a serial is one key for ever
    if (!key && !record.sealed.empty()) {
      const Reply ready = co_await read_credential_file(false);
      if (!ready.ok()) co_return ready;
      const auto der = open_sealed(credential_.keys, record.sealed, context_of(serial));
      if (!der) co_return wrong_credential(serial);
      record.private_der = *der;
    }
    if (!key) key = Es256Key::from_private_der(record.private_der);
    if (!key) co_return Reply::error(LCG_E_INTERNAL, "a stored signing key cannot be read");
    keys.push_back(*std::move(key));
    meta.push_back({serial, record.created_ms, std::string(sealed_by(record.sealed)), row.value});
  }
  keys_ = std::move(keys);
  meta_ = std::move(meta);
  co_return Reply();
}

Reply KeyRing::wrong_credential(uint64_t serial) const {
  return Reply::error(LCG_E_DENIED,
                      "signing key " + std::to_string(serial) +
                          " in the store is encrypted under another key than those in " + credential_path_ +
                          ": put back the file that belongs to this store, nothing was changed");
}

Task<Reply> KeyRing::read_credential_file(bool make) {
  auto work = [path = credential_path_, make] {
    return make ? make_credential(path) : read_credential(path);
  };
  Outcome<Credential> done = co_await host_.offload(std::move(work));
  if (!done.ok()) co_return Reply::error(done.status, "the blocking pool is full");
  credential_ = std::move(done.value);
  if (credential_.made)
    host_.info(
        "made " + std::filesystem::absolute(credential_path_).string() +
        ", the key that the signing keys in the store are encrypted under: whenever the store is backed up, "
        "keep a copy of this file as well, at another place; without it the copies of the store open "
        "nothing");
  if (!credential_.keys.empty()) co_return Reply();
  std::string why = "key.credential: " + credential_.why;
  if (credential_.absent)
    why += ": the store's signing keys are encrypted under it, put it back; nothing was changed";
  co_return Reply::error(LCG_E_DENIED, std::move(why));
}

// Rows of before there was a credential, and those under a key that is not its first any more.
Task<Reply> KeyRing::seal_again() {
  const bool plain =
      std::any_of(meta_.begin(), meta_.end(), [](const Meta& m) { return m.sealed_by.empty(); });
  if (!plain && loads_ > 0) co_return Reply();
  if (meta_.empty()) co_return Reply();
  const Reply ready = co_await read_credential_file(plain);
  if (!ready.ok()) co_return ready;
  const SealingKey& first = credential_.keys.front();
  storage::Batch batch;
  for (size_t i = 0; i < meta_.size(); ++i) {
    if (meta_[i].sealed_by == first.id()) continue;
    const std::string key = storage::key_u64(meta_[i].serial);
    batch.require_equals(std::string(kKeyCollection), key, meta_[i].stored);
    batch.put(std::string(kKeyCollection), key,
              sealed_record(meta_[i].serial, keys_[i], meta_[i].created_ms));
  }
  if (batch.ops.empty()) {
    co_await forget_older_credentials();
    co_return Reply();
  }
  const size_t count = batch.ops.size();
  // What was written plainly may be in older files of the store, and in its copies, for longer. In one commit: a
  // store without plain rows has the successor.
  if (plain) add_successor(batch);
  Reply reply = co_await storage_.commit(std::string(kKeyPartition), std::move(batch));
  if (reply.status == LCG_E_CONFLICT) co_return co_await read();  // another instance was first
  if (!reply.ok()) co_return reply;
  host_.info("encrypted " + std::to_string(count) + " signing keys under " + credential_path_);
  if (plain) host_.warn("signing keys were in the store as plain text until now: a new one takes over");
  co_return co_await read();
}

// Nothing needs them. In a file that cannot be written, systemd's, they stay.
Task<void> KeyRing::forget_older_credentials() {
  if (credential_.keys.size() < 2) co_return;
  auto work = [path = credential_path_, first = credential_.keys.front().id()] {
    return drop_older_keys(path, first);
  };
  const Outcome<std::string> done = co_await host_.offload(std::move(work));
  if (done.ok() && done.value.empty()) host_.info("only the first key is needed in " + credential_path_);
}

std::string KeyRing::sealed_record(uint64_t serial, const Es256Key& key, int64_t created_ms) const {
  KeyRecord record;
  record.created_ms = created_ms;
  record.sealed = credential_.keys.front().seal(key.private_der(), context_of(serial));
  return encode(record);
}

// REQUIRES: the credential's file was read.
void KeyRing::add_successor(storage::Batch& batch) const {
  const uint64_t serial = meta_.empty() ? 1 : meta_.back().serial + 1;
  const std::string key = storage::key_u64(serial);
  batch.require_absent(std::string(kKeyCollection), key);
  batch.put(std::string(kKeyCollection), key, sealed_record(serial, Es256Key::generate(), host_.wall_ms()));
}

Task<Reply> KeyRing::make_successor() {
  const uint64_t serial = meta_.empty() ? 1 : meta_.back().serial + 1;
  const bool first = meta_.empty();  // then nothing is lost with a credential that is not there
  const Reply ready = co_await read_credential_file(first);
  if (!ready.ok()) co_return ready;
  storage::Batch batch;
  add_successor(batch);
  Reply reply = co_await storage_.commit(std::string(kKeyPartition), std::move(batch));
  if (reply.ok()) host_.info("made signing key " + std::to_string(serial));
  co_return reply;
}

Task<Reply> KeyRing::rotate() {
  const AsyncLock::Guard guard = co_await loading_.acquire();
  Reply reply = co_await read();
  if (!reply.ok()) co_return reply;
  co_await drop_old();
  if (meta_.size() >= kMaxKeys)
    co_return Reply::error(
        LCG_E_DENIED,
        std::to_string(meta_.size()) + " signing keys are kept already, and at most " +
            std::to_string(kMaxKeys) +
            " may be: each is dropped when its successor is older than key.keep and two minutes; "
            "wait for that, or set key.keep lower");
  reply = co_await make_successor();
  if (reply.ok()) reply = co_await load_locked();
  co_return reply;
}

Task<Reply> KeyRing::rewrap() {
  const AsyncLock::Guard guard = co_await loading_.acquire();
  auto work = [path = credential_path_] { return add_key(path); };
  Outcome<std::string> added = co_await host_.offload(std::move(work));
  if (!added.ok()) co_return Reply::error(added.status, "the blocking pool is full");
  if (!added.value.empty())
    co_return Reply::error(LCG_E_DENIED, added.value +
                                             "; where the file is not ours to write, put a new key in "
                                             "its first line and start the server again");
  Reply reply = co_await read();
  loads_ = 0;  // so that all rows are looked at
  if (reply.ok()) reply = co_await load_locked();
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

size_t KeyRing::signing_index() const {
  const int64_t known_to_all = host_.wall_ms() - kPublishDelay.count();
  for (size_t i = keys_.size(); i-- > 1;)
    if (meta_[i].created_ms <= known_to_all) return i;
  return 0;
}

std::string KeyRing::describe() const {
  std::string rows;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const size_t signs = signing_index();
    rows += std::string(i == 0 ? "" : ",") + "{\"serial\":" + std::to_string(meta_[i].serial) +
            ",\"kid\":\"" + keys_[i].kid() + "\",\"created_ms\":" + std::to_string(meta_[i].created_ms) +
            ",\"use\":\"" +
            (i == signs  ? "signs"
             : i > signs ? "signs soon"
                         : "verifies") +
            "\"}";
  }
  return "{\"rows\":[" + rows + "],\"more\":false}";
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
