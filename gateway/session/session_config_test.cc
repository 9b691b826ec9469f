#include "gateway/session/session_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Read {
  explicit Read(std::string_view text) : document(config::Document::parse(text, "lcg.yaml")) {
    read_session_options(document.root().section("gateway"), value);
    document.root().finish();
  }
  config::Document document;
  SessionOptions value;
};

TEST(SessionConfig, EveryKey) {
  Read read(R"(
gateway:
  ping: { interval: 10s, pong_timeout: 3s }
  clients:
    errors_per_second: 2
    error_burst: 20
    answer_bytes_per_second: 1MiB
    answer_burst: 4MiB
    headers: [X-Tenant, cookie]
    emulated_headers: [x-trace]
    connect_time: true
    messages_per_frame: 8
    position_check: 20s
    rate_limits:
      connection: { publish: { per_second: 5, burst: 10 } }
      user: { all: { per_second: 100 }, rpc: { per_second: 0.5, burst: 3 } }
      address: { connect: { per_second: 1, burst: 50 } }
)");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  const SessionOptions& value = read.value;
  EXPECT_EQ(value.errors.per_second, 2);
  EXPECT_EQ(value.errors.burst, 20);
  EXPECT_EQ(value.answers.per_second, 1 << 20);
  EXPECT_EQ(value.answers.burst, 4 << 20);
  EXPECT_THAT(value.headers, ElementsAre("x-tenant", "cookie"));
  EXPECT_THAT(value.emulated_headers, ElementsAre("x-trace"));
  EXPECT_TRUE(value.connect_time);
  EXPECT_EQ(value.messages_per_frame, 8u);
  EXPECT_EQ(value.position_check, Millis(20'000));
  const auto& publish = value.connection_rates.operations[static_cast<size_t>(protocol::Method::kPublish)];
  EXPECT_EQ(publish.per_second, 5);
  EXPECT_EQ(publish.burst, 10);
  EXPECT_EQ(value.user_rates.all.per_second, 100);
  EXPECT_EQ(value.user_rates.all.burst, 100);  // what is not given is a second's worth
  EXPECT_EQ(value.address_rates.operations[static_cast<size_t>(protocol::Method::kConnect)].burst, 50);
}

TEST(SessionConfig, NoBytesASecondAreNoLimit) {
  Read read("gateway: { clients: { answer_bytes_per_second: 0 } }");

  ASSERT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.value.answers.per_second, 0);
}

TEST(SessionConfig, Mistakes) {
  const std::string rates = "gateway: { clients: { rate_limits: ";
  for (const auto& [text, error] : std::vector<std::pair<std::string, std::string>>{
           {rates + "{ server: {} } } }", "rate_limits.server: unknown key"},
           {rates + "{ user: { publsh: { per_second: 1 } } } } }", "did you mean 'publish'"},
           {rates + "{ connection: { all: { per_second: 1 } } } } }", "connection.all: unknown key"},
           {rates + "{ user: { publish: { burst: 1 } } } } }", "per_second"},
           {"gateway: { clients: { headers: ['a b'] } }", "headers.0: expected the name of an HTTP header"},
           {"gateway: { clients: { messages_per_frame: 0 } }", "messages_per_frame"},
       }) {
    Read read(text);

    EXPECT_FALSE(read.document.ok()) << text;
    EXPECT_THAT(read.document.error_text(), HasSubstr(error)) << text;
  }
}

}  // namespace
}  // namespace lcg::gateway
