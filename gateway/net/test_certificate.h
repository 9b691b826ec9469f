// For tests: a self-signed certificate for some names, made now, in a directory that goes with it.
#pragma once
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "gateway/net/tls_context.h"

namespace lcg::net {

class TestCertificate {
 public:
  // `names`: "DNS:a.example,DNS:*.b.example"
  enum class Key { kEcdsa, kRsa, kShortRsa };
  explicit TestCertificate(const std::string& names, Key kind = Key::kEcdsa) {
    char pattern[] = "/tmp/lcg-certificate-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    EVP_PKEY* key =
        kind == Key::kEcdsa ? EVP_EC_gen("P-256") : EVP_RSA_gen(kind == Key::kRsa ? 2048u : 1024u);
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"),
                               -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(certificate, key, EVP_sha256());
    write(files().certificate, [&](FILE* out) { PEM_write_X509(out, certificate); });
    write(files().key,
          [&](FILE* out) { PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(certificate);
    EVP_PKEY_free(key);
  }
  ~TestCertificate() { std::filesystem::remove_all(dir_); }
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  TlsCertificate files() const { return {dir_ + "/certificate.pem", dir_ + "/key.pem"}; }

 private:
  template <class Fn>
  static void write(const std::string& file, Fn&& fn) {
    FILE* out = std::fopen(file.c_str(), "w");
    fn(out);
    std::fclose(out);
  }
  std::string dir_;
};

}  // namespace lcg::net
