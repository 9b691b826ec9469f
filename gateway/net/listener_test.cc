#include "gateway/net/listener.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <string>
#include <vector>

#include "base/asio_lane.h"
#include "gateway/net/tcp_stream.h"

namespace lcg::net {
namespace {

TEST(ListenAddress, FormsAreUnderstood) {
  const std::vector<std::tuple<std::string, std::string, uint16_t>> table = {
      {"127.0.0.1:8000", "127.0.0.1", 8000},
      {"[::1]:8000", "::1", 8000},
      {":8000", "::", 8000},
      {"0.0.0.0:0", "0.0.0.0", 0}};
  for (const auto& [text, host, port] : table) {
    const auto address = parse_listen_address(text);

    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address.value().host, host);
    EXPECT_EQ(address.value().port, port);
  }
}

TEST(ListenAddress, OthersAreRefused) {
  for (const char* text : {"", "8000", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:80x",
                           "::1:8000", "localhost:8000", "127.0.0.1:-1", "[::1:8000"}) {
    EXPECT_FALSE(parse_listen_address(text).ok()) << text;
  }
}

TEST(Listener, TwoLanesListenOnOnePort) {
  AsioLane first(0), second(1);
  const auto ignore = [](ws::StreamPtr, const ClientAddress&, int) {};
  auto one = Listener::open(first, {"127.0.0.1", 0}, ignore);
  ASSERT_TRUE(one.ok()) << one.status().text();

  auto two = Listener::open(second, {"127.0.0.1", one.value()->port()}, ignore);

  EXPECT_TRUE(two.ok()) << two.status().text();
}

TEST(Listener, AddressThatIsNotOursIsNamedInTheError) {
  AsioLane lane(0);

  auto listener = Listener::open(lane, {"192.0.2.1", 80}, [](ws::StreamPtr, const ClientAddress&, int) {});

  ASSERT_FALSE(listener.ok());
  EXPECT_EQ(listener.status().code(), Code::kUnavailable);
  EXPECT_NE(listener.status().message().find("192.0.2.1 port 80"), std::string::npos);
}

TEST(Listener, AddressInUseIsFoundBeforehand) {
  AsioLane lane(0);
  auto listener = Listener::open(lane, {"127.0.0.1", 0}, [](ws::StreamPtr, const ClientAddress&, int) {});
  ASSERT_TRUE(listener.ok());
  const ListenAddress address{"127.0.0.1", listener.value()->port()};
  EXPECT_EQ(check_free(address).code(), Code::kUnavailable);

  listener.value().reset();

  EXPECT_TRUE(check_free(address).ok());
}

}  // namespace
}  // namespace lcg::net
