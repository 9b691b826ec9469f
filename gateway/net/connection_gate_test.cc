#include "gateway/net/connection_gate.h"

#include <gtest/gtest.h>

#include "gateway/net/test_service.h"

namespace lcg::net {
namespace {

constexpr const char* kProxy = "10.0.0.1";

ProxyPolicy trusting() {
  ProxyPolicy policy;
  policy.trusted = CidrList::parse({"10.0.0.0/8"}).value();
  return policy;
}
Arrival from_proxy() { return {.peer = ClientAddress::parse_ip(kProxy).value(), .trusted = true}; }

TEST(ConnectionGate, AddressMayHaveSoManyConnections) {
  ServiceWorld s({.max_connections_per_address = 2});
  ws::Wire& first = s.connect(7);
  s.connect(7);

  EXPECT_EQ(status_of(s.connect(7).take()), 429);
  EXPECT_EQ(status_of(s.connect(8).take()), 0) << "another address";

  first.end();
  s.settle();
  EXPECT_EQ(status_of(s.connect(7).take()), 0) << "one has gone";
}

TEST(ConnectionGate, WebSocketsAreCountedUntilTheyEnd) {
  ServiceWorld s({.max_connections_per_address = 1});
  ws::Wire& client = s.connect(7);
  s.ask(client, upgrade_request());
  EXPECT_EQ(status_of(s.connect(7).take()), 429);

  client.end();
  s.settle();

  EXPECT_EQ(s.gate->size(), 0u);
  EXPECT_EQ(status_of(s.connect(7).take()), 0);
}

TEST(ConnectionGate, AnIpv6NetworkIsOneAddress) {
  ServiceWorld s({.max_connections_per_address = 1});
  s.connect({.peer = ClientAddress::parse_ip("2001:db8:0:1::1").value()});

  EXPECT_EQ(status_of(s.connect({.peer = ClientAddress::parse_ip("2001:db8:0:1::2").value()}).take()), 429);
  EXPECT_EQ(status_of(s.connect({.peer = ClientAddress::parse_ip("2001:db8:0:2::1").value()}).take()), 0);
}

TEST(ConnectionGate, TrustedProxiesHaveNoLimitOfTheirOwn) {
  ServiceWorld s({.max_half_open_per_address = 1, .max_connections_per_address = 1}, {}, trusting());
  s.connect(from_proxy());

  EXPECT_EQ(status_of(s.connect(from_proxy()).take()), 0);
}

TEST(ConnectionGate, BehindAProxyTheClientIsCounted) {
  ServiceWorld s({.max_connections_per_address = 1}, {}, trusting());
  const std::string request = upgrade_request("X-Forwarded-For: 203.0.113.7\r\n");
  EXPECT_EQ(status_of(s.ask(s.connect(from_proxy()), request)), 101);

  EXPECT_EQ(status_of(s.ask(s.connect(from_proxy()), request)), 429);
  EXPECT_EQ(status_of(s.ask(s.connect(from_proxy()), upgrade_request("X-Forwarded-For: 203.0.113.8\r\n"))),
            101);
}

TEST(ConnectionGate, EveryFormOfAnAddressIsCountedAsOne) {
  const std::vector<std::vector<const char*>> hosts{
      {"203.0.113.7", "203.0.113.7:4711", "::ffff:203.0.113.7", "[::FFFF:cb00:7107]:80"},
      {"2001:db8::1", "[2001:db8::2]", "[2001:db8::3]:4711", "2001:0DB8:0:0:9::1", "2001:db8::4%eth0"},
  };
  for (const auto& forms : hosts) {
    ServiceWorld s({.max_connections_per_address = 1}, {}, trusting());
    const auto status = [&](const char* form) {
      const std::string header = std::string("X-Forwarded-For: ") + form + "\r\n";
      return status_of(s.ask(s.connect(from_proxy()), upgrade_request(header)));
    };
    EXPECT_EQ(status(forms[0]), 101);
    for (const char* form : forms) EXPECT_EQ(status(form), 429) << form;
  }
}

TEST(ConnectionGate, ConnectionsComeAtARate) {
  ServiceWorld s({.connections_per_second = 1, .connection_burst = 2});
  s.connect();
  s.connect();

  EXPECT_EQ(status_of(s.connect().take()), 503);

  s.world.run_for(std::chrono::seconds(1));
  EXPECT_EQ(status_of(s.connect().take()), 0);
}

TEST(ConnectionGate, RefusedConnectionsAreNotCounted) {
  ServiceWorld s({.max_connections = 1});
  s.connect();
  for (int i = 0; i < 10; ++i) s.connect();

  EXPECT_EQ(s.gate->size(), 1u);
}

// ---- who the client is

struct AskedWorld : ServiceWorld {
  AskedWorld() : ServiceWorld({}, {}, trusting()) {
    router.add("GET", "/who", [](HttpRequest q, HttpResponder r) {
      r.send(HttpResponse::text(200, q.remote_address.text() + (q.local ? " local" : "")));
    });
  }
};

TEST(Client, IsWhoTheTrustedProxyNames) {
  AskedWorld s;
  ws::Wire& proxy = s.connect(from_proxy());

  EXPECT_EQ(after_head(s.ask(proxy, get("/who", "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n"))),
            "192.0.2.1:4711");
  EXPECT_EQ(proxy.told_address, ClientAddress::parse("203.0.113.7"));
}

TEST(Client, IsNotWhoAnybodyNames) {
  AskedWorld s;
  ws::Wire& client = s.connect(9);

  s.ask(client, get("/who", "X-Forwarded-For: 203.0.113.7\r\n"));

  EXPECT_FALSE(client.told_address.known());
}

TEST(Client, IsFoundAnewForEachRequestOfAProxy) {
  AskedWorld s;
  ws::Wire& proxy = s.connect(from_proxy());
  s.ask(proxy, get("/who", "X-Forwarded-For: 203.0.113.7\r\n"));

  s.ask(proxy, get("/who"));

  EXPECT_EQ(proxy.told_address, ClientAddress::parse(kProxy));
}

TEST(Client, OfThisHostIsLocalUnlessItSpeaksForAnother) {
  AskedWorld s;
  ws::Wire& client = s.connect({.peer = ClientAddress::parse_ip("127.0.0.1").value(), .local = true});

  EXPECT_EQ(after_head(s.ask(client, get("/who"))), "192.0.2.1:4711 local");
  EXPECT_EQ(after_head(s.ask(client, get("/who", "X-Forwarded-For: 203.0.113.7\r\n"))), "192.0.2.1:4711");
  EXPECT_EQ(after_head(s.ask(client, get("/who", "Forwarded: for=203.0.113.7\r\n"))), "192.0.2.1:4711");
}

// ---- internal listeners

TEST(InternalListener, ServesInternalRoutesAndNoOther) {
  ServiceWorld s;
  const auto answer = [](HttpRequest, HttpResponder r) { r.send(HttpResponse::text(200, "ok")); };
  s.router.add("GET", "/internal", answer, Reach::kInternal);
  s.router.add("GET", "/everywhere", answer, Reach::kEverywhere);
  ws::Wire& outside = s.connect();
  ws::Wire& inside = s.connect({.peer = ClientAddress::parse_ip("192.0.2.1").value(), .internal = true});

  EXPECT_EQ(status_of(s.ask(outside, get("/internal"))), 404);
  EXPECT_EQ(status_of(s.ask(outside, get("/everywhere"))), 200);
  EXPECT_EQ(status_of(s.ask(inside, get("/internal"))), 200);
  EXPECT_EQ(status_of(s.ask(inside, get("/everywhere"))), 200);
  EXPECT_EQ(status_of(s.ask(inside, get("/health"))), 404) << "a public route";
  EXPECT_EQ(status_of(s.ask(inside, upgrade_request())), 404);
}

TEST(InternalListener, WithoutOneInternalRoutesAreServedEverywhere) {
  ServiceWorld s;
  s.router.add(
      "GET", "/internal", [](HttpRequest, HttpResponder r) { r.send(HttpResponse::text(200, "ok")); },
      Reach::kInternal);
  s.router.show_internal_everywhere();

  EXPECT_EQ(status_of(s.ask(s.connect(), get("/internal"))), 200);
}

}  // namespace
}  // namespace lcg::net
