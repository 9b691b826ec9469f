#include "gateway/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  explicit Read(std::string_view text) : document(config::Document::parse(text, "lcg.yaml")) {
    value = read_config(document.root().section("gateway"));
    document.root().finish();
  }
  config::Document document;
  GatewayConfig value;
};

TEST(GatewayConfig, NothingGivenIsFine) {
  Read read("{}");

  EXPECT_TRUE(read.document.ok()) << read.document.error_text();
  ASSERT_EQ(read.value.listen.size(), 1u);
  EXPECT_EQ(read.value.listen[0].address, "127.0.0.1:8000");
  EXPECT_EQ(read.value.session.ping_interval, Millis(25'000));
  EXPECT_EQ(read.value.connection.low_water_bytes, 32u << 10);
  EXPECT_EQ(read.value.connection.max_queue_bytes, 1u << 20);
}

TEST(GatewayConfig, EveryKey) {
  Read read(R"(
gateway:
  listen: ["0.0.0.0:80", { address: "[::]:443", tls: true, proxy_protocol: true }, { address: "127.0.0.1:9000", internal: true }]
  tls: { certificates: [{ certificate: a.pem, key: a.key }] }
  proxies: { trusted: ["10.0.0.0/8"], header: forwarded }
  transports: { websocket: false, sse: true }
  allowed_origins: ["https://*.example.com"]
  allowed_hosts: ["*.example.com"]
  http_plugin_paths: ["/x/"]
  drain_spread: 1m
  ping: { interval: 1s, pong_timeout: 500ms }
  clients: { channels: 10, channel_length: 20, commands_per_second: 5, command_burst: 6, stale_timeout: 2s,
             expired_grace: 3s, token_cache_entries: 7, token_cache_ttl: 1s }
  websocket: { message_size: 1MiB, message_timeout: 5s, write_timeout: 6s, close_timeout: 1s, soft_queue: 8KiB, hard_queue: 64KiB,
               compression: true, compression_level: 3, compression_min_size: 100, decompressed_size: 2MiB }
  http: { head_size: 8KiB, body_size: 3MiB, head_timeout: 1s, body_timeout: 2s, idle_timeout: 3s, answer_timeout: 4s,
          connections: 9, half_open_per_address: 8, connections_per_address: 7, connections_per_second: 6, connection_burst: 5 }
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  ASSERT_EQ(read.value.listen.size(), 3u);
  EXPECT_EQ(read.value.listen[0].address, "0.0.0.0:80");
  EXPECT_TRUE(read.value.listen[1].tls && read.value.listen[1].proxy_protocol &&
              !read.value.listen[1].internal);
  EXPECT_TRUE(read.value.listen[2].internal);
  ASSERT_EQ(read.value.certificates.size(), 1u);
  EXPECT_EQ(read.value.certificates[0].key, "a.key");
  EXPECT_THAT(read.value.proxies.trusted, ElementsAre("10.0.0.0/8"));
  EXPECT_THAT(read.value.allowed_hosts, ElementsAre("*.example.com"));
  EXPECT_TRUE(read.value.proxies.forwarded);
  EXPECT_FALSE(read.value.transports.websocket);
  EXPECT_TRUE(read.value.transports.sse);
  EXPECT_THAT(read.value.http_plugin_paths, ElementsAre("/x/"));
  EXPECT_EQ(read.value.session.pong_timeout, Millis(500));
  EXPECT_EQ(read.value.session.channel_limit, 10u);
  EXPECT_EQ(read.value.session.token_cache_entries, 7u);
  EXPECT_EQ(read.value.publication_bytes, 2u << 20);  // compressed
  EXPECT_EQ(read.value.connection.low_water_bytes, 4u << 10);
  EXPECT_EQ(read.value.connection.read_pause_bytes, 32u << 10);
  EXPECT_TRUE(read.value.connection.deflate.enabled);
  EXPECT_EQ(read.value.connection.deflate.level, 3);
  EXPECT_EQ(read.value.connection.deflate.min_bytes, 100u);
  EXPECT_EQ(read.value.connection.frame.max_inflated_bytes, 2u << 20);
  EXPECT_EQ(read.value.http.max_connections, 9u);
}

size_t frame_of(const std::string& gateway) {
  Read read("gateway: { " + gateway + " }");
  EXPECT_TRUE(read.document.ok()) << read.document.error_text();
  return read.value.connection.frame.max_message_bytes;
}

// A connect and all subscriptions of a client, each with its token, and the largest data.
TEST(GatewayConfig, AFrameHoldsWhatTheOtherLimitsAllow) {
  constexpr size_t kMiB = 1u << 20;
  for (const size_t channels : {size_t{1}, size_t{128}, size_t{600}, size_t{2000}, size_t{4096}}) {
    for (const size_t message : {kMiB / 16, 4 * kMiB}) {
      const size_t frame =
          frame_of("clients: { channels: " + std::to_string(channels) +
                   " }, websocket: { message_size: " + std::to_string(message / 1024) + "KiB }");

      EXPECT_GE(frame, channels * (protocol::kMaxTokenBytes + 6 * protocol::kMaxChannelBytes) + message);
      EXPECT_GE(frame, kMiB);
    }
  }
}

TEST(GatewayConfig, AllSubscriptionsAtOnceAreWithinTheBurstOfCommands) {
  Read read("gateway: { clients: { channels: 2000 } }");

  EXPECT_GT(read.value.session.connection_rates.all.burst, 2001u);
  EXPECT_GT(read.value.session.errors.burst, 2001u);
  EXPECT_GE(read.value.session.max_message_bytes, read.value.connection.frame.max_message_bytes);
}

TEST(GatewayConfig, AFrameFitsIntoTheBodyOfEmulation) {
  Read read("gateway: { clients: { channels: 2000 }, transports: { sse: true } }");

  EXPECT_TRUE(read.document.ok());
  EXPECT_GE(read.value.http.max_body_bytes, 2 * read.value.connection.frame.max_message_bytes);
  EXPECT_EQ(Read("{}").value.http.max_body_bytes, net::HttpLimits().max_body_bytes);
}

TEST(GatewayConfig, ATokenFitsIntoTheTarget) {
  EXPECT_GT(Read("{}").value.http.max_target_bytes, protocol::kMaxTokenBytes + 2048);
}

TEST(GatewayConfig, InflatedMessageIsTenTimesTheMessageOrAFrame) {
  const auto inflated = [](const char* size) {
    return Read("gateway: { websocket: { compression: true, message_size: " + std::string(size) + " } }")
        .value.connection.frame;
  };
  EXPECT_EQ(inflated("10KiB").max_inflated_bytes, inflated("10KiB").max_message_bytes);
  EXPECT_EQ(inflated("500KiB").max_inflated_bytes, 5000u << 10);
  EXPECT_EQ(inflated("4MiB").max_inflated_bytes, ws::kMaxMessageBytes);
}

TEST(GatewayConfig, WhatInflatingMayCostFollowsTheMessageOrIsGiven) {
  const ws::FrameLimits of_size =
      Read("gateway: { websocket: { message_size: 10KiB } }").value.connection.frame;
  EXPECT_EQ(of_size.inflated_burst, of_size.max_inflated_bytes);  // four times the publication is less
  EXPECT_EQ(of_size.inflated_per_second, 100u << 10);

  const ws::FrameLimits given =
      Read("gateway: { websocket: { decompressed_burst: 2MiB, decompressed_per_second: 2MiB } }")
          .value.connection.frame;
  EXPECT_EQ(given.inflated_burst, 2u << 20);
  EXPECT_EQ(given.inflated_per_second, 2u << 20);
  EXPECT_EQ(given.inflated_before_connect, 64u << 10);
}

struct Wrong {
  const char* text;
  const char* error;
};

TEST(GatewayConfig, Mistakes) {
  for (const Wrong& row : std::vector<Wrong>{
           {"gateway: { lisen: [] }", "did you mean 'listen'"},
           {"gateway: { listen: [] }", "at least one address"},
           {"gateway: { listen: [{ address: \"127.0.0.1:1\", internal: true }] }", "for clients"},
           {"gateway: { listen: [{ tls: true }] }", "listen.0.address: is missing"},
           {"gateway: { listen: [{ address: \"127.0.0.1:1\", tsl: true }] }", "did you mean 'tls'"},
           {"gateway: { tls: { certificates: [{ key: a }] } }", "certificate: is missing"},
           {"gateway: { proxies: { header: via } }", "x-forwarded-for or forwarded"},
           {"gateway: { ping: { interval: 5s, pong_timeout: 5s } }", "shorter than ping.interval"},
           {"gateway: { ping: { interval: 25 } }", "lcg.yaml:1:30"},
           {"gateway: { clients: { channels: 0 } }", "channels"},
           {"gateway: { websocket: { soft_queue: 1MiB } }", "half of websocket.hard_queue"},
           {"gateway: { websocket: { compression: true, decompressed_size: 640KiB } }",
            "655360 is less than the 1436928 bytes a client's frame may have (128 subscriptions"},
           {"gateway: { websocket: { compression: true, decompressed_burst: 64KiB } }",
            "65536 is less than the 1436928 bytes that one message may cost"},
           {"gateway: { transports: { http_stream: true }, http: { body_size: 1MiB } }",
            "1048576 is less than the 2877952 bytes of a client's frame in POST /emulation"},
           {"gateway: { clients: { channel_length: 256 } }", "channel_length"},
           {"gateway: { http_plugin_paths: [oauth] }", "begins with '/'"},
       }) {
    Read read(row.text);

    EXPECT_FALSE(read.document.ok()) << row.text;
    EXPECT_THAT(read.document.error_text(), HasSubstr(row.error)) << row.text;
  }
}

}  // namespace
}  // namespace lcg::gateway
