// The whole path on real sockets: accept, upgrade, frames, slow readers, limits.
#include "gateway/net/http_server.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>

#include <vector>

#include "gateway/net/test_client.h"
#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

using std::chrono::milliseconds;
using ws::client_close;
using ws::client_text;
using ws::server_frames;

struct EchoServer {
  explicit EchoServer(const HttpServer::Config& config = {})
      : server(config, [this](HttpRouter& router) {
          router.add("GET", "/health",
                     [](HttpRequest, HttpResponder r) { r.send(HttpResponse::text(200, "up\n")); });
          router.add_websocket("/connection/websocket", endpoint);
        }) {}

  ws::Transport& transport() { return *endpoint.handlers.back()->transport; }

  EchoEndpoint endpoint;
  TestServer server;
};

// A client whose upgrade is answered.
struct UpgradedClient : TestClient {
  explicit UpgradedClient(EchoServer& s, int receive_buffer = 0)
      : TestClient(s.server.port(), receive_buffer) {
    send(upgrade_request());
    answer = read_head();
  }
  std::string answer;
};

TEST(Sockets, RequestsAndFramesAreServed) {
  EchoServer s;
  TestClient client(s.server.port());
  client.send(get("/health"));
  EXPECT_EQ(status_of(client.read_until([](auto got) { return got.ends_with("up\n"); })), 200);

  client.send(upgrade_request());
  EXPECT_EQ(status_of(client.read_head()), 101);
  client.send(client_text("hello"));

  EXPECT_EQ(server_frames(client.read_bytes(7)), "text(hello)");
}

TEST(Sockets, FrameInTheSegmentOfTheRequestIsAnswered) {
  EchoServer s;
  TestClient client(s.server.port());

  client.send(upgrade_request() + client_text("early"));

  const std::string got = client.read_until([](auto bytes) { return bytes.ends_with("early"); });
  EXPECT_EQ(server_frames(after_head(got)), "text(early)");
}

TEST(Sockets, HeadersOfFifteenKibibytesWork) {
  EchoServer s;
  TestClient client(s.server.port());

  client.send(upgrade_request("Cookie: " + std::string(15 * 1024, 'c') + "\r\n"));

  EXPECT_EQ(status_of(client.read_head()), 101);
}

TEST(Sockets, HeadersOverSixteenKibibytesAreRefused) {
  EchoServer s;
  TestClient client(s.server.port());

  client.send(upgrade_request("Cookie: " + std::string(17 * 1024, 'c') + "\r\n"));

  EXPECT_EQ(status_of(client.read_to_end()), 431);
}

TEST(Sockets, ForeignOriginIsRefused) {
  HttpServer::Config config;
  config.upgrade.browsers.origins = OriginList({"https://chat.example.com"});
  EchoServer s(config);
  TestClient client(s.server.port());

  client.send(upgrade_request("Origin: https://chat.example.com.evil\r\n"));

  EXPECT_EQ(status_of(client.read_to_end()), 403);
}

TEST(Sockets, HeadThatDoesNotComeIsRefused) {
  HttpServer::Config config;
  config.http.head_timeout = milliseconds(50);
  EchoServer s(config);
  TestClient client(s.server.port());

  client.send("GET / HT");

  EXPECT_EQ(status_of(client.read_to_end()), 408);
}

TEST(Sockets, MessageOfAMegabyteComesBack) {
  HttpServer::Config config;
  config.websocket.frame.max_message_bytes = 2 << 20;
  EchoServer s(config);
  UpgradedClient client(s);
  const std::string message(1 << 20, 'm');

  client.send(client_text(message));

  EXPECT_EQ(server_frames(client.read_bytes(10 + message.size())), "text(" + message + ")");
}

TEST(Sockets, ClientClosesFirst) {
  EchoServer s;
  UpgradedClient client(s);

  client.send(client_close(1000, "bye"));

  EXPECT_EQ(server_frames(client.read_to_end()), "close(1000)");
  EXPECT_TRUE(s.server.eventually([&] { return s.server.server().idle(); }));
}

TEST(Sockets, ServerClosesFirst) {
  EchoServer s;
  UpgradedClient client(s);

  s.server.run([&] { s.server.server().close_websockets(3001, "shutdown"); });
  EXPECT_EQ(server_frames(client.read_bytes(12)), "close(3001 shutdown)");
  client.send(client_close(3001));

  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(s.server.eventually([&] { return s.server.server().idle(); }));
}

TEST(Sockets, BlocksKeepTheirOrderWhenTheKernelIsFull) {
  HttpServer::Config config;
  config.websocket.max_queue_bytes = 64 << 20;
  EchoServer s(config);
  UpgradedClient client(s, 4096);
  std::string expected;

  s.server.run([&] {
    for (int i = 0; i < 300; ++i) {
      const std::string payload = std::to_string(i) + std::string(static_cast<size_t>(i) * 200, 'x');
      const SharedBytes block = ws::text_block(payload);
      s.transport().send_block(block);
      if (i % 7 == 0) s.transport().send_message("m" + std::to_string(i), ws::MessageKind::kText);
      expected += block.view();
      if (i % 7 == 0) expected += ws::text_block("m" + std::to_string(i)).view();
    }
    EXPECT_GT(s.transport().queued_bytes(), 0u);
  });

  EXPECT_EQ(client.read_bytes(expected.size()), expected);
}

TEST(Sockets, SlowReaderIsClosedWithBoundedMemory) {
  HttpServer::Config config;
  config.websocket.max_queue_bytes = 256 << 10;
  EchoServer s(config);
  UpgradedClient client(s, 4096);

  s.server.run([&] {
    const SharedBytes block = ws::text_block(std::string(60'000, 'x'));
    // The kernel takes some megabytes; far below this the queue must have refused.
    for (int i = 0; i < 2'000 && s.endpoint.handlers.back()->log.empty(); ++i) {
      s.transport().send_block(block);
      ASSERT_LE(s.transport().queued_bytes(), size_t{256 << 10});
    }
  });

  EXPECT_TRUE(s.server.eventually(
      [&] { return s.endpoint.handlers.back()->log.back() == "closed by protocol 3008 slow"; }));
}

TEST(Sockets, SlowReaderThatCatchesUpReadsItsCode) {
  HttpServer::Config config;
  config.websocket.max_queue_bytes = 256 << 10;
  config.websocket.abort_timeout = milliseconds(20'000);
  EchoServer s(config);
  UpgradedClient client(s, 4096);
  s.server.run([&] {
    const SharedBytes block = ws::text_block(std::string(60'000, 'x'));
    for (int i = 0; i < 2'000 && s.endpoint.handlers.back()->log.empty(); ++i)
      s.transport().send_block(block);
  });

  const std::string got = client.read_to_end();

  EXPECT_TRUE(got.ends_with(std::string("\x88\x06\x0b\xc0slow")));
}

TEST(Sockets, HalfOpenConnectionsAreLimited) {
  HttpServer::Config config;
  config.http.max_half_open_per_address = 2;
  EchoServer s(config);
  TestClient first(s.server.port()), second(s.server.port());
  ASSERT_TRUE(s.server.eventually([&] { return s.server.server().http().size() == 2; }));

  TestClient third(s.server.port());

  EXPECT_EQ(status_of(third.read_to_end()), 429);
}

TEST(Sockets, ClientThatVanishesIsForgotten) {
  EchoServer s;
  { UpgradedClient client(s); }

  EXPECT_TRUE(s.server.eventually([&] { return s.server.server().idle(); }));
  EXPECT_EQ(s.endpoint.handlers.back()->log.back(), "closed by network 1006 ");
}

TEST(Sockets, StoppedServerRefusesConnectionsAndKeepsOldOnes) {
  EchoServer s;
  UpgradedClient old(s);
  s.server.run([&] { s.server.server().stop_accepting(); });

  EXPECT_FALSE(TestClient(s.server.port()).connected());
  old.send(client_text("still"));
  EXPECT_EQ(server_frames(old.read_bytes(7)), "text(still)");
}

// The accepted sockets of this process whose own port is `port`.
std::vector<int> accepted_sockets(uint16_t port) {
  std::vector<int> found;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in own{}, peer{};
    socklen_t size = sizeof own;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0 || ntohs(own.sin_port) != port)
      continue;
    size = sizeof peer;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0) found.push_back(fd);
  }
  return found;
}

TEST(Sockets, SmallFramesAreNotDelayed) {
  EchoServer s;
  UpgradedClient client(s);

  const std::vector<int> sockets = accepted_sockets(s.server.port());

  ASSERT_EQ(sockets.size(), 1u);
  int no_delay = 0;
  socklen_t size = sizeof no_delay;
  ::getsockopt(sockets[0], IPPROTO_TCP, TCP_NODELAY, &no_delay, &size);
  EXPECT_EQ(no_delay, 1);
}

TEST(Sockets, RunningOutOfDescriptorsIsSurvived) {
  EchoServer s;
  rlimit old{};
  ::getrlimit(RLIMIT_NOFILE, &old);
  const int lowest = ::dup(STDERR_FILENO);  // the client will get this number, and the server none
  ::close(lowest);
  const rlimit one_more{static_cast<rlim_t>(lowest) + 1, old.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &one_more);
  TestClient client(s.server.port());
  EXPECT_TRUE(s.server.eventually([&] { return s.server.server().exhausted(); }));

  ::setrlimit(RLIMIT_NOFILE, &old);
  client.send(get("/health"));

  EXPECT_EQ(status_of(client.read_until([](auto got) { return got.ends_with("up\n"); })), 200);
  EXPECT_TRUE(s.server.eventually([&] { return !s.server.server().exhausted(); }));
}

}  // namespace
}  // namespace lcg::net
