// SPDX-License-Identifier: Apache-2.0
// credential: the key that the signing keys in the store are encrypted under. It is a file apart from the store, so
// that a copy of the store alone lets nobody make tokens.
//
// A file of lines, "lcg-credential-1 <base64url of 32 bytes>" each: the first key seals, all of them open. Blank lines
// and those with '#' are comments. It has mode 0600 (0440 where root is the owner, as systemd's credentials are), in
// a directory that only root and this user may write. Blocks on the disk: for the blocking pool.
#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::uaa {

// XChaCha20-Poly1305 (libsodium).
class SealingKey {
 public:
  static constexpr size_t kBytes = 32, kIdBytes = 16;

  static SealingKey generate();
  static std::optional<SealingKey> from_text(std::string_view base64);
  std::string text() const;
  // Says which key sealed something, and nothing else about it.
  const std::string& id() const { return id_; }

  // id, nonce, ciphertext. `context` is not in it; open() must be given the same.
  std::string seal(std::string_view plain, std::string_view context) const;

 private:
  friend std::optional<std::string> open_sealed(const std::vector<SealingKey>& keys, std::string_view sealed,
                                                std::string_view context);
  explicit SealingKey(const std::array<unsigned char, kBytes>& bytes);

  std::array<unsigned char, kBytes> bytes_;
  std::string id_;
};

// Nothing: none of the keys sealed it, or it was changed.
std::optional<std::string> open_sealed(const std::vector<SealingKey>& keys, std::string_view sealed,
                                       std::string_view context);
// The id of the key that sealed it.
std::string_view sealed_by(std::string_view sealed);

struct Credential {
  std::vector<SealingKey> keys;  // of what is there: one at least
  std::string why;               // there are none; names the file and what to do
  bool absent = false;           // because there is no file
  bool made = false;             // by this call
};

// "": `configured` may be the path of a file. Else what was expected: it is a key, or a text that could be one, and is
// not to be told.
std::string fault_of_credential_path(std::string_view configured);

// `configured`, or where systemd puts it ($CREDENTIALS_DIRECTORY/lcg-uaa-key), or uaa.key in the state directory
// ($STATE_DIRECTORY, else var).
std::string credential_path(const std::string& configured);
Credential read_credential(const std::string& path);
// As read_credential, after making a file with a new key where there is none. Several processes may try at once.
Credential make_credential(const std::string& path);
// Both change the file under a lock of its directory (flock), so that of several processes and threads none undoes
// what another one has done. "": done, else why not.
// Puts a new key in front of the others.
std::string add_key(const std::string& path);
// Leaves the first key alone in it, if that is still the one with the id `first`; else leaves all.
std::string drop_older_keys(const std::string& path, const std::string& first);

}  // namespace lcg::uaa
