// A TLS client of OpenSSL's own, blocking, against TlsStream on a lane: over real sockets on loopback.
#include "gateway/net/tls_stream.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "base/asio_lane.h"
#include "gateway/net/tcp_stream.h"
#include "gateway/net/test_certificate.h"

namespace lcg::net {
namespace {

// Sends back what it reads, and ends when the client does.
class Echo final : public ws::StreamObserver {
 public:
  explicit Echo(ws::StreamPtr stream) : stream_(std::move(stream)) {
    stream_->set_observer(this);
    stream_->wait_readable();
  }
  bool ended() const { return ended_; }

 private:
  void on_readable() override {
    char buffer[4096];  // smaller than a record: what is decrypted already must be told without the socket
    const ws::IoResult got = stream_->read_some(buffer);
    if (got.status == ws::IoResult::Status::kEnd || got.status == ws::IoResult::Status::kError) {
      ended_ = true;
      return stream_->shutdown_write();
    }
    if (got.status == ws::IoResult::Status::kOk) out_.append(buffer, got.bytes);
    on_writable();
    stream_->wait_readable();
  }
  void on_writable() override {
    while (sent_ < out_.size()) {
      // In two pieces, as a queue gives them.
      const size_t left = out_.size() - sent_, half = left / 2;
      const iovec pieces[2] = {{out_.data() + sent_, half}, {out_.data() + sent_ + half, left - half}};
      const ws::IoResult put = stream_->write_some({half == 0 ? pieces + 1 : pieces, half == 0 ? 1u : 2u});
      if (put.status == ws::IoResult::Status::kWouldBlock) return stream_->wait_writable();
      if (put.status != ws::IoResult::Status::kOk) return;
      sent_ += put.bytes;
    }
    out_.clear();
    sent_ = 0;
  }

  ws::StreamPtr stream_;
  std::string out_;
  size_t sent_ = 0;
  bool ended_ = false;
};

class TlsStreamTest : public testing::Test {
 protected:
  TlsStreamTest() : lanes_({.lanes = 1, .pin = false}) { lanes_.start(); }
  ~TlsStreamTest() override {
    run([&] { echo_.reset(); });
    lanes_.stop();
    lanes_.join();
    SSL_free(client_);
    SSL_CTX_free(client_context_);
    if (fd_ >= 0) ::close(fd_);
  }

  void run(const std::function<void()>& body) {
    std::promise<void> done;
    lanes_[0].post([&] {
      body();
      done.set_value();
    });
    done.get_future().wait();
  }

  // A connected pair; the server's end speaks TLS on the lane.
  void connect(std::shared_ptr<const TlsContext> context) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
    ASSERT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    sockaddr_storage peer{};
    size = sizeof peer;
    const int accepted =
        ::accept4(listener, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ::close(listener);
    const int small = 4096;
    ::setsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    run([&] {
      ws::StreamPtr socket = adopt_tcp(lanes_[0], accepted, peer);
      echo_ = std::make_unique<Echo>(start_tls(lanes_[0], std::move(socket), accepted, std::move(context)));
    });
  }

  // The handshake of a client that asks for `name`; false: it failed.
  bool handshake(const char* name, int version = TLS1_3_VERSION, const std::string& alpn = "") {
    client_context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client_context_, version);
    SSL_CTX_set_max_proto_version(client_context_, version);
    client_ = SSL_new(client_context_);
    SSL_ctrl(client_, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name));
    if (!alpn.empty())
      SSL_set_alpn_protos(client_, reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    SSL_set_fd(client_, fd_);
    return SSL_connect(client_) == 1;
  }
  std::string echo(const std::string& text) {
    // Written in the background: neither end reads the other's whole text at once.
    std::thread writer([&] { SSL_write(client_, text.data(), static_cast<int>(text.size())); });
    writer.join();
    std::string got;
    char buffer[8192];
    while (got.size() < text.size()) {
      const int n = SSL_read(client_, buffer, sizeof buffer);
      if (n <= 0) break;
      got.append(buffer, static_cast<size_t>(n));
    }
    return got;
  }
  bool certificate_names(const char* name) {
    X509* certificate = SSL_get1_peer_certificate(client_);
    const bool fits = X509_check_host(certificate, name, 0, 0, nullptr) == 1;
    X509_free(certificate);
    return fits;
  }
  static std::shared_ptr<const TlsContext> context_of(const std::vector<TlsCertificate>& certificates) {
    auto context = TlsContext::load(certificates);
    EXPECT_TRUE(context.ok()) << context.status().message();
    return context.value();
  }

  LaneSet lanes_;
  std::unique_ptr<Echo> echo_;
  int fd_ = -1;
  SSL_CTX* client_context_ = nullptr;
  SSL* client_ = nullptr;
};

TEST_F(TlsStreamTest, EchoesOverBothVersions) {
  const TestCertificate certificate("DNS:a.example");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    connect(context_of({certificate.files()}));
    ASSERT_TRUE(handshake("a.example", version)) << version;
    EXPECT_EQ(echo("hello"), "hello");
    run([&] { echo_.reset(); });
    SSL_free(std::exchange(client_, nullptr));
    SSL_CTX_free(std::exchange(client_context_, nullptr));
    ::close(std::exchange(fd_, -1));
  }
}

TEST_F(TlsStreamTest, OlderVersionsAreRefused) {
  const TestCertificate certificate("DNS:a.example");
  connect(context_of({certificate.files()}));
  EXPECT_FALSE(handshake("a.example", TLS1_1_VERSION));
}

TEST_F(TlsStreamTest, ManyRecordsArriveWholeThoughTheSocketIsSmall) {
  const TestCertificate certificate("DNS:a.example");
  connect(context_of({certificate.files()}));
  ASSERT_TRUE(handshake("a.example"));
  std::string text;
  while (text.size() < 150'000) text += std::to_string(text.size()) + ",";
  EXPECT_EQ(echo(text), text);
}

TEST_F(TlsStreamTest, TheNameAskedForChoosesTheCertificate) {
  const TestCertificate first("DNS:a.example"), second("DNS:b.example,DNS:*.c.example");
  connect(context_of({first.files(), second.files()}));
  ASSERT_TRUE(handshake("room.c.example"));
  EXPECT_TRUE(certificate_names("b.example"));
}

TEST_F(TlsStreamTest, AnUnknownNameGetsTheFirst) {
  const TestCertificate first("DNS:a.example"), second("DNS:b.example");
  connect(context_of({first.files(), second.files()}));
  ASSERT_TRUE(handshake("other.example"));
  EXPECT_TRUE(certificate_names("a.example"));
}

TEST_F(TlsStreamTest, AlpnIsHttp11OrNothing) {
  const TestCertificate certificate("DNS:a.example");
  connect(context_of({certificate.files()}));
  ASSERT_TRUE(handshake("a.example", TLS1_3_VERSION, "\x02h2\x08http/1.1"));
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client_, &chosen, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(chosen), size), "http/1.1");
}

TEST_F(TlsStreamTest, AlpnWithoutHttp11IsRefused) {
  const TestCertificate certificate("DNS:a.example");
  connect(context_of({certificate.files()}));
  EXPECT_FALSE(handshake("a.example", TLS1_3_VERSION, "\x02h2"));
}

TEST_F(TlsStreamTest, BytesThatAreNoTlsEndTheConnection) {
  const TestCertificate certificate("DNS:a.example");
  connect(context_of({certificate.files()}));
  constexpr std::string_view kPlain = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  ASSERT_EQ(::send(fd_, kPlain.data(), kPlain.size(), MSG_NOSIGNAL), static_cast<ssize_t>(kPlain.size()));
  std::string got;
  char buffer[256];
  for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;)
    got.append(buffer, static_cast<size_t>(n));
  EXPECT_EQ(got.find("HTTP"), std::string::npos);
}

TEST(TlsContext, FilesThatAreWrongAreNamed) {
  const TestCertificate one("DNS:a.example"), two("DNS:b.example");
  const auto error = [](TlsCertificate files) { return TlsContext::load({files}).status().message(); };
  EXPECT_NE(error({"/nowhere/cert.pem", one.files().key}).find("/nowhere/cert.pem"), std::string::npos);
  EXPECT_NE(error({one.files().certificate, "/nowhere/key.pem"}).find("/nowhere/key.pem"), std::string::npos);
  EXPECT_NE(error({one.files().certificate, two.files().key}).find("does not belong"), std::string::npos);
  EXPECT_FALSE(TlsContext::load({}).ok());
}

}  // namespace
}  // namespace lcg::net
