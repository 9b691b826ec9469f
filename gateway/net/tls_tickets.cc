#include "gateway/net/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>

namespace lcg::net {

bool TicketKeys::renew_if_old() {
  const MonoTime now = clock_.mono();
  if (current_.has_value() && now < made_ + kTicketKeyLife) return true;
  Key fresh;
  for (const auto& part : {std::span<unsigned char>(fresh.name), std::span<unsigned char>(fresh.cipher),
                           std::span<unsigned char>(fresh.mac)}) {
    if (RAND_bytes(part.data(), static_cast<int>(part.size())) != 1) return false;
  }
  // After a rest of two lives the key before has had its time, too.
  const bool rested = current_.has_value() && now >= made_ + 2 * kTicketKeyLife;
  previous_ = rested ? std::nullopt : current_;
  current_ = fresh;
  made_ = now;
  return true;
}

std::optional<TicketKeys::Key> TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  return renew_if_old() ? current_ : std::nullopt;
}

std::optional<TicketKeys::Key> TicketKeys::find(const unsigned char* name, bool& renew) {
  const std::lock_guard lock(mutex_);
  if (!renew_if_old()) return std::nullopt;
  for (const auto* key : {&current_, &previous_}) {
    if (!key->has_value() || !std::equal((*key)->name.begin(), (*key)->name.end(), name)) continue;
    renew = key == &previous_;
    return *key;
  }
  return std::nullopt;
}

int TicketKeys::seal_or_open(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                             EVP_MAC_CTX* mac, bool seal) {
  bool renew = false;
  std::optional<Key> key = seal ? keys.current() : keys.find(name, renew);
  if (!key.has_value()) return seal ? -1 : 0;
  if (seal) {
    std::copy(key->name.begin(), key->name.end(), name);
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return -1;
  }
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac.data(), key->mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
  const bool ready =
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, seal ? 1 : 0) == 1 &&
      EVP_MAC_CTX_set_params(mac, parameters) == 1;
  return !ready ? -1 : renew ? 2 : 1;
}

}  // namespace lcg::net
