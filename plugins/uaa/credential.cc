// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/credential.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lcg/trusted_path.hpp"
#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr std::string_view kTag = "lcg-credential-1 ";
constexpr std::string_view kComment =
    "# The key of LCG's signing keys in the store. Keep a copy of it, apart from the copies of the store.\n";
constexpr size_t kMaxFileBytes = 16u << 10, kMaxKeys = 16;
constexpr size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagBytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string failure(const std::string& what) { return what + ": " + std::strerror(errno); }

Credential refused(std::string why) {
  Credential out;
  out.why = std::move(why);
  return out;
}

// Its bytes; `why` is empty when it could be read.
std::string read_private(const std::string& path, std::string& why) {
  const detail::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
  struct stat info {};
  if (file.get() < 0 || ::fstat(file.get(), &info) != 0) {
    why = failure(path);
    return {};
  }
  const mode_t allowed = info.st_uid == 0 ? S_IRGRP : 0;
  if ((info.st_mode & (S_IRWXG | S_IRWXO) & ~allowed) != 0) {
    why = path + ": mode is " + detail::octal(info.st_mode & 07777) +
          ", so that others may read it; chmod 600 it, and consider `lcgctl keys rewrap` and `lcgctl keys "
          "rotate`";
    return {};
  }
  std::string text(kMaxFileBytes + 1, '\0');
  size_t size = 0;
  for (ssize_t n = 1; n > 0 && size < text.size();) {
    n = ::read(file.get(), text.data() + size, text.size() - size);
    if (n < 0) why = failure(path);
    if (n > 0) size += static_cast<size_t>(n);
  }
  if (size > kMaxFileBytes) why = path + " is over 16 KiB";
  text.resize(size);
  return text;
}

std::string text_of(const std::vector<SealingKey>& keys) {
  std::string out(kComment);
  for (const SealingKey& key : keys) out.append(kTag).append(key.text()).append("\n");
  return out;
}

// Writes a file beside `path`, durably, and gives its name; "" and `why` when that fails.
std::string write_beside(const std::string& path, std::string_view text, std::string& why) {
  unsigned char random[12];
  randombytes_buf(random, sizeof random);
  std::string name = path + ".new." + base64url({reinterpret_cast<const char*>(random), sizeof random});
  const detail::Descriptor file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() >= 0 && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.get()) == 0)
    return name;
  why = failure(name);
  ::unlink(name.c_str());
  return {};
}

void sync_folder_of(const std::string& path) {
  const detail::Descriptor folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

std::string replace(const std::string& path, const std::vector<SealingKey>& keys) {
  std::string why;
  const std::string name = write_beside(path, text_of(keys), why);
  if (name.empty()) return why;
  if (::rename(name.c_str(), path.c_str()) != 0) {
    why = failure(path);
    ::unlink(name.c_str());
    return why;
  }
  sync_folder_of(path);
  return {};
}

// `change` says whether to write the keys it was given back. "": all went well.
template <class Change>
std::string change_file(const std::string& path, Change change) {
  const TrustedPath real = trusted_file(path);  // a link stays a link
  if (!real.ok()) return real.why;
  const detail::Descriptor folder(::open(folder_of(real.path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int locked = folder.get() < 0 ? -1 : ::flock(folder.get(), LOCK_EX);
  while (folder.get() >= 0 && locked != 0 && errno == EINTR) locked = ::flock(folder.get(), LOCK_EX);
  if (locked != 0) return failure("cannot lock " + folder_of(real.path));
  Credential credential = read_credential(real.path);
  if (!credential.why.empty()) return credential.why;
  std::string why;
  return change(credential.keys, why) ? replace(real.path, credential.keys) : why;
}

}  // namespace

SealingKey::SealingKey(const std::array<unsigned char, kBytes>& bytes) : bytes_(bytes), id_(kIdBytes, '\0') {
  constexpr std::string_view kPurpose = "lcg credential id";
  crypto_generichash(bytes_of(id_), id_.size(), bytes_of(kPurpose), kPurpose.size(), bytes_.data(), kBytes);
}

SealingKey SealingKey::generate() {
  std::array<unsigned char, kBytes> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return SealingKey(bytes);
}

std::optional<SealingKey> SealingKey::from_text(std::string_view base64) {
  const std::optional<std::string> decoded = from_base64url(base64);
  if (!decoded || decoded->size() != kBytes) return std::nullopt;
  std::array<unsigned char, kBytes> bytes;
  std::copy(decoded->begin(), decoded->end(), bytes.begin());
  return SealingKey(bytes);
}

std::string SealingKey::text() const {
  return base64url({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()});
}

std::string SealingKey::seal(std::string_view plain, std::string_view context) const {
  std::string out = id_;
  out.resize(kIdBytes + kNonce + plain.size() + kTagBytes);
  unsigned char* const nonce = bytes_of(out) + kIdBytes;
  randombytes_buf(nonce, kNonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + kNonce, nullptr, bytes_of(plain), plain.size(),
                                             bytes_of(context), context.size(), nullptr, nonce,
                                             bytes_.data());
  return out;
}

std::optional<std::string> open_sealed(const std::vector<SealingKey>& keys, std::string_view sealed,
                                       std::string_view context) {
  constexpr size_t kAround = SealingKey::kIdBytes + kNonce + kTagBytes;
  if (sealed.size() < kAround) return std::nullopt;
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const SealingKey& k) { return k.id() == sealed_by(sealed); });
  if (key == keys.end()) return std::nullopt;
  const unsigned char* const nonce = bytes_of(sealed) + SealingKey::kIdBytes;
  std::string plain(sealed.size() - kAround, '\0');
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(bytes_of(plain), nullptr, nullptr, nonce + kNonce,
                                                 plain.size() + kTagBytes, bytes_of(context), context.size(),
                                                 nonce, key->bytes_.data()) != 0)
    return std::nullopt;
  return plain;
}

std::string_view sealed_by(std::string_view sealed) { return sealed.substr(0, SealingKey::kIdBytes); }

std::string fault_of_credential_path(std::string_view configured) {
  const bool control = std::any_of(configured.begin(), configured.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  const bool path = !control && configured.find('/') != std::string_view::npos &&
                    configured.find("://") == std::string_view::npos && !configured.starts_with(kTag) &&
                    !configured.starts_with('#');
  if (configured.empty() || path) return {};
  return "expected the path of the file that holds the key, with a '/' in it (./uaa.key), found a text of " +
         std::to_string(configured.size()) + " bytes; if it is the key itself, somebody may have read it";
}

std::string credential_path(const std::string& configured) {
  if (!configured.empty()) return configured;
  if (const char* folder = std::getenv("CREDENTIALS_DIRECTORY")) {
    std::string path = std::string(folder) + "/lcg-uaa-key";
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  const char* const state = std::getenv("STATE_DIRECTORY");
  const std::string_view folder = state == nullptr || *state == '\0' ? "var" : state;
  return std::string(folder.substr(0, folder.find(':'))) + "/uaa.key";  // systemd may name several
}

Credential read_credential(const std::string& path) {
  const TrustedPath trusted = trusted_file(path);
  if (!trusted.ok()) {
    Credential out = refused(trusted.why);
    out.absent = trusted.absent();
    return out;
  }
  Credential out;
  const std::string text = read_private(trusted.path, out.why);
  for (size_t at = 0; at < text.size() && out.why.empty();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.empty() || line.starts_with('#')) continue;
    std::optional<SealingKey> key;
    if (line.starts_with(kTag)) key = SealingKey::from_text(line.substr(kTag.size()));
    if (!key || out.keys.size() == kMaxKeys)
      out.why = path + ": expected lines of \"lcg-credential-1\" and 32 bytes as base64url, 16 at most";
    else
      out.keys.push_back(*std::move(key));
  }
  if (out.why.empty() && out.keys.empty()) out.why = path + ": has no key in it";
  if (!out.why.empty()) out.keys.clear();
  return out;
}

Credential make_credential(const std::string& path) {
  Credential found = read_credential(path);
  if (!found.absent) return found;
  const std::string folder = folder_of(path);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return refused(failure("cannot make " + folder));
  if (const TrustedPath trusted = trusted_directory(folder); !trusted.ok()) return refused(trusted.why);
  std::string why;
  const std::string name = write_beside(path, text_of({SealingKey::generate()}), why);
  if (name.empty()) return refused(why);
  const bool made = ::link(name.c_str(), path.c_str()) == 0;
  const bool done = made || errno == EEXIST;
  if (!done) why = failure(path);
  ::unlink(name.c_str());
  if (!done) return refused(why);
  sync_folder_of(path);
  Credential credential = read_credential(path);
  credential.made = made;
  return credential;
}

std::string add_key(const std::string& path) {
  return change_file(path, [&](std::vector<SealingKey>& keys, std::string& why) {
    if (keys.size() == kMaxKeys) why = path + ": has 16 keys; take the last ones out";
    if (why.empty()) keys.insert(keys.begin(), SealingKey::generate());
    return why.empty();
  });
}

std::string drop_older_keys(const std::string& path, const std::string& first) {
  return change_file(path, [&](std::vector<SealingKey>& keys, std::string&) {
    if (keys.size() == 1 || keys.front().id() != first) return false;
    keys.erase(keys.begin() + 1, keys.end());
    return true;
  });
}

}  // namespace lcg::uaa
