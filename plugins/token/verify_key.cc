// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/verify_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

#include <stdexcept>

namespace lcg::token {
namespace {

template <auto kFree>
struct Freer {
  template <class T>
  void operator()(T* p) const {
    kFree(p);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Freer<EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Freer<EVP_PKEY_CTX_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, Freer<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, Freer<OSSL_PARAM_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Freer<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

[[noreturn]] void refuse(const std::string& why) {
  ERR_clear_error();
  throw std::invalid_argument(why);
}

Key read_pem(std::string_view text) {
  const auto open = [text] { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); };
  if (Key key(PEM_read_bio_PUBKEY(open().get(), nullptr, nullptr, nullptr)); key) return key;
  if (const Certificate certificate(PEM_read_bio_X509(open().get(), nullptr, nullptr, nullptr)); certificate)
    if (Key key(X509_get_pubkey(certificate.get())); key) return key;
  ERR_clear_error();
  if (text.find("PRIVATE KEY") != std::string_view::npos)
    refuse("is a private key; a public key in PEM (-----BEGIN PUBLIC KEY-----) is needed");
  refuse("is not a public key in PEM (-----BEGIN PUBLIC KEY-----)");
}

// A public key in DER, or a JWK: what must never be taken for a secret.
bool is_public_key(const std::string& secret) {
  if (secret.find("-----BEGIN") != std::string::npos) return true;
  if (secret.find("\"kty\"") != std::string::npos) return true;
  const auto whole = [&secret](auto* parsed, const unsigned char* at) {
    return parsed != nullptr && at == bytes_of(std::string_view(secret)) + secret.size();
  };
  const auto size = static_cast<long>(secret.size());
  const unsigned char* at = bytes_of(std::string_view(secret));
  const Key spki(d2i_PUBKEY(nullptr, &at, size));
  if (whole(spki.get(), at)) return true;
  at = bytes_of(std::string_view(secret));
  const Key pkcs1(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
  if (whole(pkcs1.get(), at)) return true;
  at = bytes_of(std::string_view(secret));
  const Certificate certificate(d2i_X509(nullptr, &at, size));
  return whole(certificate.get(), at);
}

std::string group_of(const EVP_PKEY* key) {
  char group[64] = {};
  size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return {};
  return std::string(group, size);
}

bool is_in_range(std::string_view number, std::string_view order) {
  return number.find_first_not_of('\0') != std::string_view::npos && number < order;  // both of one size
}

Key key_of(const char* type, const Params& params, const char* what) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* raw = nullptr;
  if (context == nullptr || params == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    refuse(what);
  return Key(raw);
}

}  // namespace

VerifyKey VerifyKey::hmac(Algorithm algorithm, std::string secret) {
  if (family_of(algorithm) != Family::kHmac) refuse("is an HMAC secret, not a key for this algorithm");
  if (secret.size() < kMinSecretBytes)
    refuse("is shorter than " + std::to_string(kMinSecretBytes) + " bytes; 32 random ones are a good secret");
  const bool is_public = is_public_key(secret);
  ERR_clear_error();
  if (is_public) refuse("is a public key, which anybody may have; an HMAC secret is random bytes");
  VerifyKey key(algorithm);
  key.raw_ = std::move(secret);
  return key;
}

Algorithm VerifyKey::algorithm_of_ec_pem(std::string_view text) {
  const Key key = read_pem(text);
  if (EVP_PKEY_is_a(key.get(), "EC") != 1) refuse("is not an elliptic curve key");
  const std::string group = group_of(key.get());
  const auto algorithm = algorithm_of_curve(group);
  if (!algorithm) refuse("is on the curve '" + group + "'; P-256, P-384 and P-521 are served");
  return *algorithm;
}

VerifyKey VerifyKey::pem(Algorithm algorithm, std::string_view text) {
  if (family_of(algorithm) == Family::kHmac) refuse("is a public key, and HMAC needs a secret");
  VerifyKey key(algorithm);
  key.take(read_pem(text).release());
  return key;
}

VerifyKey VerifyKey::parts(Algorithm algorithm, const KeyParts& parts) {
  VerifyKey key(algorithm);
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  switch (family_of(algorithm)) {
    case Family::kHmac:
      refuse("is a public key, and HMAC needs a secret");
    case Family::kRsa: {
      const Number n(BN_bin2bn(bytes_of(parts.modulus), static_cast<int>(parts.modulus.size()), nullptr));
      const Number e(BN_bin2bn(bytes_of(parts.exponent), static_cast<int>(parts.exponent.size()), nullptr));
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
      const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
      key.take(key_of("RSA", params, "is not an RSA public key").release());
      return key;
    }
    case Family::kEc: {
      const auto size = static_cast<size_t>(scalar_bytes_of(algorithm));
      if (parts.x.size() != size || parts.y.size() != size)
        refuse("has coordinates of another size than its curve's");
      const std::string point = '\x04' + parts.x + parts.y;
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve_of(algorithm), 0);
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
      const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
      key.take(key_of("EC", params, "is not a point on its curve").release());
      return key;
    }
    case Family::kEd25519:
      if (parts.x.size() != crypto_sign_PUBLICKEYBYTES) refuse("is not 32 bytes");
      key.take(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(parts.x), parts.x.size()));
      return key;
  }
  refuse("is of an unknown family");
}

// Owns `raw` from here on. Checks that it is a good key of the algorithm's family.
void VerifyKey::take(evp_pkey_st* raw) {
  key_.reset(raw, EVP_PKEY_free);
  if (raw == nullptr) refuse("is not a public key");
  switch (family_of(algorithm_)) {
    case Family::kHmac:
      refuse("is a public key, and HMAC needs a secret");
    case Family::kRsa: {
      if (EVP_PKEY_is_a(raw, "RSA") != 1) refuse("is not an RSA key");
      const int bits = EVP_PKEY_get_bits(raw);
      if (bits < kMinRsaBits || bits > kMaxRsaBits)
        refuse("is an RSA key of " + std::to_string(bits) + " bits; 2048 to 8192 are served");
      BIGNUM* e = nullptr;
      EVP_PKEY_get_bn_param(raw, OSSL_PKEY_PARAM_RSA_E, &e);
      const Number exponent(e);
      if (e == nullptr || !BN_is_odd(e) || BN_is_one(e) || BN_num_bits(e) > 32)
        refuse("has an RSA exponent that is even, 1 or over 32 bits");
      return;
    }
    case Family::kEc: {
      if (EVP_PKEY_is_a(raw, "EC") != 1) refuse("is not an elliptic curve key");
      const std::string group = group_of(raw);
      if (algorithm_of_curve(group) != algorithm_)
        refuse("is on the curve '" + group + "', which " + std::string(name_of(algorithm_)) +
               " does not use");
      const KeyContext context(EVP_PKEY_CTX_new(raw, nullptr));
      if (EVP_PKEY_public_check(context.get()) != 1) refuse("is not a point on its curve");
      BIGNUM* n = nullptr;
      EVP_PKEY_get_bn_param(raw, OSSL_PKEY_PARAM_EC_ORDER, &n);
      const Number order(n);
      order_.resize(static_cast<size_t>(scalar_bytes_of(algorithm_)));
      if (n == nullptr || BN_bn2binpad(n, bytes_of(order_), scalar_bytes_of(algorithm_)) < 0)
        refuse("is on a curve without an order");
      return;
    }
    case Family::kEd25519: {
      if (EVP_PKEY_is_a(raw, "ED25519") != 1) refuse("is not an Ed25519 key");
      raw_.resize(crypto_sign_PUBLICKEYBYTES);
      size_t size = raw_.size();
      if (EVP_PKEY_get_raw_public_key(raw, bytes_of(raw_), &size) != 1 || size != raw_.size() ||
          crypto_core_ed25519_is_valid_point(bytes_of(raw_)) != 1)
        refuse("is an Ed25519 point of small order, or none at all");
      return;
    }
  }
}

bool VerifyKey::verify(std::string_view text, std::string_view signature) const {
  bool good = false;
  switch (family_of(algorithm_)) {
    case Family::kHmac:
      good = verify_hmac(text, signature);
      break;
    case Family::kRsa:
      good = verify_evp(text, signature);
      break;
    case Family::kEc:
      good = verify_ec(text, signature);
      break;
    case Family::kEd25519:
      good =
          signature.size() == crypto_sign_BYTES &&
          crypto_sign_verify_detached(bytes_of(signature), bytes_of(text), text.size(), bytes_of(raw_)) == 0;
      break;
  }
  if (!good) ERR_clear_error();
  return good;
}

bool VerifyKey::verify_hmac(std::string_view text, std::string_view signature) const {
  unsigned char mac[EVP_MAX_MD_SIZE];
  size_t size = 0;
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, digest_of(algorithm_), nullptr, raw_.data(), raw_.size(),
                bytes_of(text), text.size(), mac, sizeof mac, &size) == nullptr)
    return false;
  return signature.size() == size && CRYPTO_memcmp(mac, signature.data(), size) == 0;
}

bool VerifyKey::verify_ec(std::string_view text, std::string_view signature) const {
  const size_t size = order_.size();
  if (signature.size() != 2 * size) return false;
  const std::string_view r_bytes = signature.substr(0, size), s_bytes = signature.substr(size);
  if (!is_in_range(r_bytes, order_) || !is_in_range(s_bytes, order_)) return false;
  const EcSignature parsed(ECDSA_SIG_new());
  Number r(BN_bin2bn(bytes_of(r_bytes), static_cast<int>(size), nullptr));
  Number s(BN_bin2bn(bytes_of(s_bytes), static_cast<int>(size), nullptr));
  if (parsed == nullptr || ECDSA_SIG_set0(parsed.get(), r.get(), s.get()) != 1) return false;
  static_cast<void>(r.release());  // the signature owns them now
  static_cast<void>(s.release());
  unsigned char* der = nullptr;
  const int der_size = i2d_ECDSA_SIG(parsed.get(), &der);
  if (der_size <= 0) return false;
  const bool good = verify_evp(text, {reinterpret_cast<const char*>(der), static_cast<size_t>(der_size)});
  OPENSSL_free(der);
  return good;
}

bool VerifyKey::verify_evp(std::string_view text, std::string_view signature) const {
  const bool rsa = family_of(algorithm_) == Family::kRsa;
  if (rsa && signature.size() != static_cast<size_t>(EVP_PKEY_get_size(key_.get()))) return false;
  const Digest digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;  // the digest's
  if (EVP_DigestVerifyInit_ex(digest.get(), &context, digest_of(algorithm_), nullptr, nullptr, key_.get(),
                              nullptr) != 1)
    return false;
  // RFC 7518 section 3.5: the salt has the digest's size.
  if (name_of(algorithm_).starts_with("PS") &&
      (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1))
    return false;
  return EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) ==
         1;
}

}  // namespace lcg::token
