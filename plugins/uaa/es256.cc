// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/es256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdexcept>

#include "plugins/uaa/text.h"

namespace lcg::uaa {
namespace {

constexpr int kScalarBytes = 32;

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};
using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string("OpenSSL: ") + what + " failed");
}

std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) fail("reading a public key");
  const Number number(raw);
  std::string out(kScalarBytes, '\0');
  if (BN_bn2binpad(number.get(), bytes_of(out), kScalarBytes) != kScalarBytes) fail("reading a public key");
  return base64url(out);
}

bool is_p256(EVP_PKEY* key) {
  char group[32] = {};
  size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
         (std::string_view(group, size) == "prime256v1" || std::string_view(group, size) == "P-256");
}

}  // namespace

std::string sha256(std::string_view text) {
  std::string out(32, '\0');
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(), bytes_of(out), nullptr) != 1)
    fail("SHA-256");
  return out;
}

Es256Key::Es256Key(evp_pkey_st* key) : key_(key, EVP_PKEY_free) {
  x_ = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X);
  y_ = coordinate(key, OSSL_PKEY_PARAM_EC_PUB_Y);
  kid_ = base64url(sha256(R"({"crv":"P-256","kty":"EC","x":")" + x_ + R"(","y":")" + y_ + "\"}"));
}

Es256Key Es256Key::generate() {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  if (key == nullptr) fail("generating a key");
  return Es256Key(key);
}

std::optional<Es256Key> Es256Key::from_private_der(std::string_view der) {
  const unsigned char* at = bytes_of(der);
  EVP_PKEY* key = d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size()));
  if (key == nullptr) return std::nullopt;
  if (!is_p256(key)) {
    EVP_PKEY_free(key);
    return std::nullopt;
  }
  return Es256Key(key);
}

std::string Es256Key::private_der() const {
  const int size = i2d_PrivateKey(key_.get(), nullptr);
  if (size <= 0) fail("writing a key");
  std::string out(static_cast<size_t>(size), '\0');
  unsigned char* at = bytes_of(out);
  i2d_PrivateKey(key_.get(), &at);
  return out;
}

std::string Es256Key::jwk() const {
  return R"({"kty":"EC","crv":"P-256","alg":"ES256","use":"sig","kid":")" + kid_ + R"(","x":")" + x_ +
         R"(","y":")" + y_ + "\"}";
}

std::string Es256Key::sign(std::string_view text) const {
  const Digest digest(EVP_MD_CTX_new());
  std::string der(128, '\0');
  size_t size = der.size();
  if (EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(digest.get(), bytes_of(der), &size, bytes_of(text), text.size()) != 1)
    fail("signing");
  const unsigned char* at = bytes_of(der);
  const Signature signature(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));
  if (signature == nullptr) fail("signing");
  std::string out(size_t{2} * kScalarBytes, '\0');
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), bytes_of(out), kScalarBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), bytes_of(out) + kScalarBytes, kScalarBytes);
  return out;
}

bool Es256Key::verify(std::string_view text, std::string_view signature) const {
  if (signature.size() != size_t{2} * kScalarBytes) return false;
  const Signature parsed(ECDSA_SIG_new());
  BIGNUM* r = BN_bin2bn(bytes_of(signature), kScalarBytes, nullptr);
  BIGNUM* s = BN_bin2bn(bytes_of(signature) + kScalarBytes, kScalarBytes, nullptr);
  if (BN_is_zero(r) || BN_is_zero(s) || ECDSA_SIG_set0(parsed.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(parsed.get(), &der);
  if (size <= 0) return false;
  const Digest digest(EVP_MD_CTX_new());
  const bool good =
      EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
      EVP_DigestVerify(digest.get(), der, static_cast<size_t>(size), bytes_of(text), text.size()) == 1;
  OPENSSL_free(der);
  return good;
}

}  // namespace lcg::uaa
