// Listeners with TLS and with the PROXY protocol, over real sockets on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <csignal>

#include "gateway/net/test_certificate.h"
#include "gateway/net/test_client.h"
#include "gateway/net/test_proxy.h"
#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

using testing::HasSubstr;

void add_routes(HttpRouter& router) {
  router.add("GET", "/who", [](HttpRequest q, HttpResponder r) {
    r.send(HttpResponse::text(200, q.remote_address.text()));
  });
}

HttpServer::Config config(std::vector<std::string> trusted = {"127.0.0.0/8"}) {
  HttpServer::Config out;
  out.proxies.trusted = CidrList::parse(trusted).value();
  out.http.linger_timeout = std::chrono::milliseconds(100);
  return out;
}

HttpServer::Config impatient() {
  HttpServer::Config out = config();
  out.http.head_timeout = std::chrono::milliseconds(100);
  return out;
}

struct OneServer : TestServer {
  OneServer(const HttpServer::Config& with, HttpServer::ListenOptions options)
      : TestServer(with, add_routes) {
    run([&] { special = server().listen({"127.0.0.1", 0}, options).value(); });
  }
  uint16_t special = 0;  // the port with the options
};

struct ProxiedServer : OneServer {
  explicit ProxiedServer(const HttpServer::Config& with = config())
      : OneServer(with, {.proxy_protocol = true}) {}
  std::string ask(const std::string& header) {
    TestClient client(special);
    client.send(header + get("/who", "Connection: close\r\n"));
    return client.read_to_end();
  }
};

TEST(ProxiedListener, ClientIsWhomTheHeaderNames) {
  ProxiedServer s;

  EXPECT_EQ(after_head(s.ask(proxy_v2("203.0.113.7", 4711))), "203.0.113.7:4711");
  EXPECT_EQ(after_head(s.ask("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n")), "[2001:db8::7]:4711");
}

TEST(ProxiedListener, ProxyMaySpeakForItself) {
  ProxiedServer s;

  EXPECT_THAT(after_head(s.ask(proxy_v2_raw(0x20, 0, ""))), HasSubstr("127.0.0.1:"));
}

TEST(ProxiedListener, WithoutAHeaderThereIsNoAnswer) {
  ProxiedServer s;

  EXPECT_EQ(s.ask(""), "");
}

TEST(ProxiedListener, HeaderFromOutsideTheTrustedNetworksIsNotRead) {
  ProxiedServer s(config({"10.0.0.0/8"}));

  EXPECT_EQ(s.ask(proxy_v2("203.0.113.7", 4711)), "");
}

TEST(ProxiedListener, ElsewhereAHeaderIsNoRequest) {
  ProxiedServer s;
  TestClient client(s.port());
  client.send("PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n" + get("/who"));

  EXPECT_EQ(status_of(client.read_to_end()), 505) << "443 is no version of HTTP";
}

TEST(ProxiedListener, HeaderThatDoesNotComeInTimeEndsTheConnection) {
  ProxiedServer s(impatient());
  TestClient client(s.special);
  client.send(proxy_v2("203.0.113.7", 4711).substr(0, 20));

  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(s.eventually([&] { return s.server().connections() == 0; }));
}

TEST(ProxiedListener, LimitsAreThoseOfTheClientNamed) {
  HttpServer::Config with = config();
  with.http.max_connections_per_address = 1;
  ProxiedServer s(with);
  TestClient first(s.special), second(s.special), other(s.special);

  first.send(proxy_v2("203.0.113.7", 1) + get("/who"));
  EXPECT_EQ(status_of(first.read_head()), 200);
  second.send(proxy_v2("203.0.113.7", 2) + get("/who"));
  EXPECT_EQ(status_of(second.read_head()), 429);
  other.send(proxy_v2("203.0.113.8", 3) + get("/who"));
  EXPECT_EQ(status_of(other.read_head()), 200);
}

// ---- TLS

class TlsClient {
 public:
  explicit TlsClient(TestClient& socket)
      : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) {
    SSL_set_fd(ssl_, socket.fd());
    connected = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  std::string ask(const std::string& request) {
    SSL_write(ssl_, request.data(), static_cast<int>(request.size()));
    std::string out;
    char buffer[4096];
    for (int n = 0; (n = SSL_read(ssl_, buffer, sizeof buffer)) > 0;)
      out.append(buffer, static_cast<size_t>(n));
    return out;
  }
  std::string certificate_name() {
    X509* certificate = SSL_get1_peer_certificate(ssl_);
    for (const char* name : {"old.example", "new.example"}) {
      if (X509_check_host(certificate, name, 0, 0, nullptr) == 1) {
        X509_free(certificate);
        return name;
      }
    }
    X509_free(certificate);
    return "";
  }
  bool connected = false;

 private:
  SSL_CTX* context_;
  SSL* ssl_;
};

struct TlsServer : OneServer {
  explicit TlsServer(HttpServer::ListenOptions options = {.tls = true},
                     const HttpServer::Config& with = config())
      : OneServer(with, options) {
    std::signal(SIGPIPE, SIG_IGN);  // as the program does: OpenSSL writes to sockets that may be gone
    use(old_certificate);
  }
  void use(const TestCertificate& certificate) {
    run([&] { server().set_tls(TlsContext::load({certificate.files()}).value()); });
  }
  TestCertificate old_certificate{"DNS:old.example"};
};

TEST(TlsListener, RequestIsServed) {
  TlsServer s;
  TestClient socket(s.special);
  TlsClient client(socket);

  ASSERT_TRUE(client.connected);
  EXPECT_EQ(status_of(client.ask(get("/who", "Connection: close\r\n"))), 200);
}

TEST(TlsListener, ProxyHeaderComesBeforeTheHandshake) {
  TlsServer s({.tls = true, .proxy_protocol = true});
  TestClient socket(s.special);
  socket.send(proxy_v2("203.0.113.7", 4711));
  TlsClient client(socket);

  ASSERT_TRUE(client.connected);
  EXPECT_EQ(after_head(client.ask(get("/who", "Connection: close\r\n"))), "203.0.113.7:4711");
}

TEST(TlsListener, ClientThatSaysNothingIsCutOff) {
  TlsServer s({.tls = true}, impatient());
  TestClient socket(s.special);

  EXPECT_EQ(socket.read_to_end(), "");
  EXPECT_TRUE(s.eventually([&] { return s.server().connections() == 0; }));
}

TEST(TlsListener, ClientHelloThatStallsIsCutOff) {
  TlsServer s({.tls = true}, impatient());
  TestClient socket(s.special);
  socket.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));

  EXPECT_EQ(socket.read_to_end(), "");
  EXPECT_TRUE(s.eventually([&] { return s.server().connections() == 0; }));
}

TEST(TlsListener, HandshakesCountAsHalfOpen) {
  HttpServer::Config with = config({});
  with.http.max_half_open_per_address = 1;
  TestCertificate certificate("DNS:old.example");
  OneServer s(with, {.tls = true});
  s.run([&] { s.server().set_tls(TlsContext::load({certificate.files()}).value()); });
  TestClient waiting(s.special);
  ASSERT_TRUE(s.eventually([&] { return s.server().http().size() == 1; }));

  TestClient refused(s.special);

  EXPECT_EQ(refused.read_to_end(), "");
}

TEST(TlsListener, PlainHttpIsNotAnswered) {
  TlsServer s;
  TestClient socket(s.special);
  socket.send(get("/who"));

  EXPECT_EQ(socket.read_to_end().find("HTTP/1.1"), std::string::npos);
}

TEST(TlsListener, NewConnectionsUseTheNewCertificate) {
  TlsServer s;
  TestCertificate renewed("DNS:new.example");
  TestClient first(s.special);
  TlsClient before(first);
  ASSERT_TRUE(before.connected);

  s.use(renewed);
  TestClient second(s.special);
  TlsClient after(second);

  ASSERT_TRUE(after.connected);
  EXPECT_EQ(before.certificate_name(), "old.example");
  EXPECT_EQ(after.certificate_name(), "new.example");
}

TEST(TlsListener, WithoutACertificateConnectionsAreClosed) {
  OneServer s(config(), {.tls = true});
  TestClient socket(s.special);

  EXPECT_EQ(socket.read_to_end(), "");
}

}  // namespace
}  // namespace lcg::net
