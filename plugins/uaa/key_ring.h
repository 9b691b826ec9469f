// SPDX-License-Identifier: Apache-2.0
// key_ring: the signing keys, shared through the store by every instance on every node.
//
// The first instance to start makes the first key; a key older than `rotate_after` gets a successor. A new
// key signs only after kPublishDelay, when every instance has re-read the ring and knows it, and an old one
// verifies for `keep_for` after its successor took over. Two instances never both make a successor: a serial
// number is a condition of the write. Private keys are in the store encrypted (credential.h); rows that are not, or
// under a key that is not the credential's first any more, are encrypted when the ring is first read. A credential that
// is missing or wrong is LCG_E_DENIED, and nothing is written. Lane: the instance's.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "lcg/services/storage.hpp"
#include "lcg/sync.hpp"
#include "plugins/uaa/credential.h"
#include "plugins/uaa/es256.h"

namespace lcg::uaa {

class KeyRing {
 public:
  using Millis = std::chrono::milliseconds;
  static constexpr Millis kPublishDelay = std::chrono::minutes(2);
  static constexpr Millis kReloadInterval = std::chrono::seconds(30);
  // Keys in the store. By age so many are made: keep_for / rotate_after <= kMaxByAge, which the settings check.
  // Operators make none beyond kMaxKeys.
  static constexpr size_t kMaxKeys = 100, kMaxByAge = 90;

  KeyRing(Host host, Millis rotate_after, Millis keep_for, std::string credential)
      : host_(host),
        storage_(host),
        rotate_after_(rotate_after),
        keep_for_(keep_for),
        credential_path_(credential_path(credential)) {}

  // Reads the ring, making and dropping keys as their age asks. Concurrent calls share one reading.
  Task<Reply> load();
  // Reads it only if that has not succeeded yet.
  Task<Reply> ensure_loaded();
  // For a token of an unknown key: reads the ring again, at most once in kReloadInterval. True: it was read.
  Task<bool> look_again();

  // A successor at once, whatever the age of the newest key. LCG_E_DENIED: kMaxKeys are kept.
  Task<Reply> rotate();
  // A new first key in the credential's file, and all signing keys encrypted under it. The older keys stay in the
  // file until the next start: an instance may be about to write what it sealed under one.
  Task<Reply> rewrap();

  // REQUIRES: loaded.
  const std::vector<Es256Key>& keys() const { return keys_; }
  const Es256Key& signing_key() const { return keys_[signing_index()]; }
  // {"rows":[{"serial","kid","created_ms","use"}],"more":false}
  std::string describe() const;
  // {"keys":[...]}
  std::string jwks() const;

 private:
  struct Meta {
    uint64_t serial;
    int64_t created_ms;
    std::string sealed_by;  // id of the credential's key; "": the row is plain
    std::string stored;     // the row
  };
  size_t signing_index() const;
  // REQUIRES, of all below: loading_ is held.
  Task<Reply> load_locked();
  Task<Reply> read();
  Task<Reply> read_credential_file(bool make);
  Task<Reply> seal_again();
  Task<void> forget_older_credentials();
  Task<Reply> make_successor();
  void add_successor(storage::Batch& batch) const;
  std::string sealed_record(uint64_t serial, const Es256Key& key, int64_t created_ms) const;
  Reply wrong_credential(uint64_t serial) const;
  Task<void> drop_old();

  const Host host_;
  const storage::Client storage_;
  const Millis rotate_after_, keep_for_;
  const std::string credential_path_;
  Credential credential_;  // as it was last read
  AsyncLock loading_;
  uint64_t loads_ = 0;  // that succeeded
  int64_t looked_again_ns_ = -1;
  std::vector<Es256Key> keys_;  // oldest first
  std::vector<Meta> meta_;      // of each
};

}  // namespace lcg::uaa
