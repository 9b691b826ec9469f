// SPDX-License-Identifier: Apache-2.0
// signer: makes tokens for tests, as a back end would. OpenSSL, and no code of the verifier but base64url.
#pragma once
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <memory>
#include <string>

#include "plugins/token/base64.h"

namespace lcg::token {

inline const std::string kSecret = "0123456789abcdef0123456789abcdef";

inline std::string hs256(const std::string& claims, const std::string& secret = kSecret,
                         const std::string& header = R"({"alg":"HS256"})") {
  const std::string text = base64url(header) + "." + base64url(claims);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac, &size);
  return text + "." + base64url({reinterpret_cast<char*>(mac), size});
}

// A P-256 key with a kid.
class EcSigner {
 public:
  explicit EcSigner(std::string kid) : kid_(std::move(kid)), key_(EVP_EC_gen("P-256"), EVP_PKEY_free) {}

  std::string jwk() const {
    return R"({"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":")" + kid_ + R"(","x":")" +
           coordinate(OSSL_PKEY_PARAM_EC_PUB_X) + R"(","y":")" + coordinate(OSSL_PKEY_PARAM_EC_PUB_Y) + "\"}";
  }
  std::string sign(const std::string& claims) const {
    const std::string text = base64url(R"({"alg":"ES256","kid":")" + kid_ + "\"}") + "." + base64url(claims);
    unsigned char der[128];
    size_t size = sizeof der;
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get());
    EVP_DigestSign(context, der, &size, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    EVP_MD_CTX_free(context);
    const unsigned char* at = der;
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
    unsigned char out[64];
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32);
    ECDSA_SIG_free(signature);
    return text + "." + base64url({reinterpret_cast<char*>(out), 64});
  }

 private:
  std::string coordinate(const char* name) const {
    BIGNUM* number = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &number);
    unsigned char out[32];
    BN_bn2binpad(number, out, 32);
    BN_free(number);
    return base64url({reinterpret_cast<char*>(out), 32});
  }
  const std::string kid_;
  const std::shared_ptr<EVP_PKEY> key_;
};

inline std::string jwk_set(std::initializer_list<const EcSigner*> signers) {
  std::string out = R"({"keys":[)";
  for (const EcSigner* signer : signers) out += (out.back() == '[' ? "" : ",") + signer->jwk();
  return out + "]}";
}

}  // namespace lcg::token
