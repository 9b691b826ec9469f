// SPDX-License-Identifier: Apache-2.0
// What jwks_test.cc does not show of a fetch: TLS, and that it can be ended.
#include "plugins/token/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "plugins/token/testing/http_stub.h"

namespace lcg::token {
namespace {

using ::testing::HasSubstr;

// A certificate that signs itself, for one IP address, with its key.
class Identity {
 public:
  explicit Identity(const std::string& san)
      : key_(EVP_EC_gen("P-256"), EVP_PKEY_free), cert_(X509_new(), X509_free) {
    X509_set_version(cert_.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert_.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert_.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert_.get()), 3600);
    X509_set_pubkey(cert_.get(), key_.get());
    X509_NAME* const name = X509_get_subject_name(cert_.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(cert_.get(), name);
    X509_EXTENSION* const extension =
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, san.c_str());
    X509_add_ext(cert_.get(), extension, -1);
    X509_EXTENSION_free(extension);
    X509_sign(cert_.get(), key_.get(), EVP_sha256());
  }
  void use(SSL_CTX* context) const {
    SSL_CTX_use_certificate(context, cert_.get());
    SSL_CTX_use_PrivateKey(context, key_.get());
  }
  void write(const std::string& path) const {
    FILE* const file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, cert_.get());
    std::fclose(file);
  }

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> cert_;
};

// Answers "{}" over TLS to one connection.
class TlsStub {
 public:
  TlsStub(const Identity& identity, int max_version)
      : context_(SSL_CTX_new(TLS_server_method()), SSL_CTX_free) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    identity.use(context_.get());
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, raw, size) != 0 || ::listen(listener_, 4) != 0 ||
        ::getsockname(listener_, raw, &size) != 0)
      throw std::runtime_error("no socket on loopback");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~TlsStub() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }

 private:
  void serve() const {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    SSL* const ssl = SSL_new(context_.get());
    SSL_set_fd(ssl, client);
    char buffer[4096];
    if (SSL_accept(ssl) == 1 && SSL_read(ssl, buffer, sizeof buffer) > 0) {
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
      SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
      SSL_shutdown(ssl);
    }
    SSL_free(ssl);
    ::close(client);
  }

  const std::shared_ptr<SSL_CTX> context_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::thread thread_;
};

class TlsFetch : public ::testing::Test {
 protected:
  TlsFetch() { std::signal(SIGPIPE, SIG_IGN); }
  ~TlsFetch() override { std::remove(ca_file_.c_str()); }
  Fetched fetch_from(const Identity& identity, bool trusted, int max_version = TLS1_3_VERSION) {
    const TlsStub server(identity, max_version);
    FetchRules rules;
    identity.write(ca_file_);
    if (trusted) rules.ca_file = ca_file_;
    return fetch(server.url(), rules, stop_);
  }
  const std::string ca_file_ = ::testing::TempDir() + "lcg_fetch_test_" + std::to_string(::getpid()) + ".pem";
  std::atomic<bool> stop_{false};
};

TEST_F(TlsFetch, ATrustedServerIsRead) {
  const Fetched fetched = fetch_from(Identity("IP:127.0.0.1"), true);
  EXPECT_TRUE(fetched.ok) << fetched.why;
  EXPECT_EQ(fetched.body, "{}");
}

TEST_F(TlsFetch, AServerNobodyVouchesForIsRefused) {
  const Fetched fetched = fetch_from(Identity("IP:127.0.0.1"), false);
  EXPECT_FALSE(fetched.ok);
  EXPECT_THAT(fetched.why, HasSubstr("certificate"));
}

TEST_F(TlsFetch, ACertificateOfAnotherNameIsRefused) {
  const Fetched fetched = fetch_from(Identity("IP:127.0.0.2"), true);
  EXPECT_FALSE(fetched.ok);
  EXPECT_THAT(fetched.why, HasSubstr("127.0.0.1"));
}

TEST_F(TlsFetch, OldTlsIsRefused) {
  EXPECT_FALSE(fetch_from(Identity("IP:127.0.0.1"), true, TLS1_1_VERSION).ok);
}

TEST(Fetch, EndsWhenItIsStopped) {
  HttpStub server;
  server.raw("");
  FetchRules rules;
  rules.timeout = std::chrono::hours(1);
  std::atomic<bool> stop{false};
  Fetched fetched;
  fetched.ok = true;
  std::thread thread([&] { fetched = fetch(server.url(), rules, stop); });
  while (server.requests() == 0) std::this_thread::yield();

  stop = true;
  thread.join();

  EXPECT_FALSE(fetched.ok);
}

}  // namespace
}  // namespace lcg::token
