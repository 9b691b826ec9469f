// What a TLS client may agree on with a listener: a handshake for each cipher and group that this OpenSSL
// knows, between the listener's context and a client, through memory.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "gateway/net/test_certificate.h"
#include "gateway/net/tls_context.h"

namespace lcg::net {
namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using SslPtr = std::unique_ptr<SSL, FreeSsl>;
using ContextPtr = std::unique_ptr<SSL_CTX, FreeSsl>;

// A client that takes anything, old and weak, of one version.
ContextPtr careless_client(int version, const std::string& ciphers = "ALL:COMPLEMENTOFALL") {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  EXPECT_EQ(SSL_CTX_set_cipher_list(context.get(), ciphers.c_str()), 1) << ciphers;
  return context;
}

struct Handshake {
  SslPtr server, client;
  bool done = false;
  std::string cipher() const { return SSL_get_cipher_name(client.get()); }
};

Handshake shake(const TlsContext& server, SSL_CTX* client) {
  Handshake out{SslPtr(server.make_session()), SslPtr(SSL_new(client))};
  BIO *server_end = nullptr, *client_end = nullptr;
  BIO_new_bio_pair(&server_end, 0, &client_end, 0);
  SSL_set_bio(out.server.get(), server_end, server_end);
  SSL_set_bio(out.client.get(), client_end, client_end);
  SSL_set_connect_state(out.client.get());
  for (int step = 0; step < 10 && !out.done; ++step) {
    const bool one = SSL_do_handshake(out.client.get()) == 1;
    const bool other = SSL_do_handshake(out.server.get()) == 1;
    out.done = one && other;
  }
  return out;
}

class TlsCiphersTest : public testing::Test {
 protected:
  static std::shared_ptr<const TlsContext> load(const TestCertificate& certificate) {
    auto context = TlsContext::load({certificate.files()});
    EXPECT_TRUE(context.ok()) << context.status().message();
    return context.value();
  }
  // Those of TLS 1.2 that a handshake succeeds with.
  static std::set<std::string> accepted(const TlsContext& server) {
    const ContextPtr all = careless_client(TLS1_2_VERSION);
    std::set<std::string> out;
    STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(all.get());
    EXPECT_GT(sk_SSL_CIPHER_num(ciphers), 50) << "the client offers too little to show anything";
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
      const std::string name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
      if (name.starts_with("TLS_")) continue;  // of TLS 1.3
      const ContextPtr client = careless_client(TLS1_2_VERSION, name);
      if (shake(server, client.get()).done) out.insert(name);
    }
    return out;
  }

  static const TestCertificate& ecdsa() {
    static const TestCertificate certificate("DNS:a.example");
    return certificate;
  }
  static const TestCertificate& rsa() {
    static const TestCertificate certificate("DNS:a.example", TestCertificate::Key::kRsa);
    return certificate;
  }
};

TEST_F(TlsCiphersTest, OfTls12AreThoseWithForwardSecrecyAndAead) {
  EXPECT_EQ(accepted(*load(rsa())),
            (std::set<std::string>{"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                                   "ECDHE-RSA-CHACHA20-POLY1305"}));
  EXPECT_EQ(accepted(*load(ecdsa())),
            (std::set<std::string>{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305"}));
}

TEST_F(TlsCiphersTest, AClientThatTakesAnythingGetsAGoodOne) {
  const ContextPtr client = careless_client(TLS1_2_VERSION);

  EXPECT_EQ(shake(*load(rsa()), client.get()).cipher(), "ECDHE-RSA-AES128-GCM-SHA256");
}

TEST_F(TlsCiphersTest, Tls13HasItsThree) {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    const ContextPtr client = careless_client(TLS1_3_VERSION);
    ASSERT_EQ(SSL_CTX_set_ciphersuites(client.get(), suite), 1);
    EXPECT_EQ(shake(*load(rsa()), client.get()).cipher(), suite);
  }
  const ContextPtr client = careless_client(TLS1_3_VERSION);
  ASSERT_EQ(SSL_CTX_set_ciphersuites(client.get(), "TLS_AES_128_CCM_8_SHA256"), 1);
  EXPECT_FALSE(shake(*load(rsa()), client.get()).done);
}

TEST_F(TlsCiphersTest, OldVersionsAreRefusedThoughTheClientTakesThem) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    const ContextPtr client = careless_client(version);
    EXPECT_FALSE(shake(*load(rsa()), client.get()).done) << version;
  }
}

TEST_F(TlsCiphersTest, GroupsAreThoseOf128BitsAndMore) {
  const auto server = load(rsa());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const auto agrees = [&](const char* group) {
      const ContextPtr client = careless_client(version);
      EXPECT_EQ(SSL_CTX_ctrl(client.get(), SSL_CTRL_SET_GROUPS_LIST, 0, const_cast<char*>(group)), 1)
          << group;
      return shake(*server, client.get()).done;
    };
    for (const char* group : {"X25519", "P-256", "P-384"}) EXPECT_TRUE(agrees(group)) << group;
    for (const char* group : {"P-521", "X448"}) EXPECT_FALSE(agrees(group)) << group;
  }
}

TEST_F(TlsCiphersTest, RenegotiationAndCompressionAreOff) {
  const ContextPtr client = careless_client(TLS1_2_VERSION);
  SSL_CTX_clear_options(client.get(), SSL_OP_NO_COMPRESSION);
  Handshake agreed = shake(*load(rsa()), client.get());
  ASSERT_TRUE(agreed.done);

  EXPECT_EQ(SSL_get_current_compression(agreed.client.get()), nullptr);
  SSL_renegotiate(agreed.client.get());
  SSL_do_handshake(agreed.client.get());
  char byte = 0;
  SSL_read(agreed.server.get(), &byte, 1);
  EXPECT_EQ(SSL_do_handshake(agreed.client.get()), -1);
  EXPECT_EQ(SSL_num_renegotiations(agreed.server.get()), 0);
}

TEST_F(TlsCiphersTest, ShortKeysAreRefusedAtTheStart) {
  const TestCertificate weak("DNS:a.example", TestCertificate::Key::kShortRsa);

  EXPECT_NE(TlsContext::load({weak.files()}).status().message().find("too small"), std::string::npos);
}

}  // namespace
}  // namespace lcg::net
