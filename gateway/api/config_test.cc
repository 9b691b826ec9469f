#include "gateway/api/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::gateway::api {
namespace {

using testing::HasSubstr;
using testing::Not;

ApiConfig parse(config::Document& document) {
  ApiConfig out = read_config(document.root().section("api"));
  document.root().finish();
  return out;
}

TEST(ApiConfig, AllOfIt) {
  auto document = config::Document::parse(R"(
api:
  keys:
    - { name: orders, key: secret-one, methods: [publish, broadcast], namespaces: [orders, ""], rate: 5, burst: 50 }
    - { name: admin, key: secret-two }
  error_mode: transport
  body_size: 2MiB
  batch_commands: 10
  broadcast_channels: 20
  in_flight: 30
  revoke_services: [uaa, token]
)",
                                          "lcg.yaml");

  const ApiConfig config = parse(document);

  ASSERT_TRUE(document.ok()) << document.error_text();
  ASSERT_EQ(config.keys.size(), 2u);
  EXPECT_EQ(config.keys[0].digest, digest_of("secret-one"));
  EXPECT_EQ(config.keys[0].methods, (std::vector<std::string>{"publish", "broadcast"}));
  EXPECT_EQ(config.keys[0].namespaces, (std::vector<std::string>{"orders", ""}));
  EXPECT_EQ(config.keys[0].burst, 50);
  EXPECT_EQ(config.keys[1].rate, 0);
  EXPECT_TRUE(config.transport_errors);
  EXPECT_EQ(config.max_body_bytes, 2u << 20);
  EXPECT_EQ(config.max_batch_commands, 10u);
  EXPECT_EQ(config.max_broadcast_channels, 20u);
  EXPECT_EQ(config.max_in_flight, 30u);
  EXPECT_EQ(config.revoke_services, (std::vector<std::string>{"uaa", "token"}));
}

TEST(ApiConfig, KeysAreNeverShown) {
  auto document = config::Document::parse("api: { keys: [ { name: a, key: secret-one } ] }", "lcg.yaml");

  parse(document);

  EXPECT_THAT(document.dump_effective(), Not(HasSubstr("secret-one")));
}

TEST(ApiConfig, WhatIsWrongIsSaid) {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"api: { keys: [ { key: x } ] }", "name"},
           {"api: { keys: [ { name: a } ] }", "key"},
           {"api: { keys: [ { name: a, key: \"\" } ] }", "expected 1 to 1024 bytes"},
           {"api: { keys: [ { name: a, key: x }, { name: a, key: y } ] }",
            "api.keys.1.name: the same as that of keys.0"},
           {"api: { keys: [ { name: a, key: x }, { name: b, key: x } ] }",
            "api.keys.1.key: the same as that of keys.0"},
           {"api: { keys: [ { name: a, key: x, methods: [publsh] } ] }",
            "lcg.yaml:1:45: api.keys.0.methods.0: there is no such method"},
           {"api: { keys: [ { name: a, key: x, namespaces: [\"a:\"] } ] }",
            "namespaces.0: expected the name of a namespace"},
           {"api: { insecure: true, keys: [ { name: a, key: x } ] }", "remove the keys"},
           {"api: { error_mode: http }", "error_mode"}}) {
    auto document = config::Document::parse(text, "lcg.yaml");
    parse(document);
    EXPECT_THAT(document.error_text(), HasSubstr(what)) << text;
  }
}

TEST(ApiConfig, Sha256) {
  const KeyDigest abc = digest_of("abc");  // FIPS 180-4
  EXPECT_EQ(abc[0], 0xba);
  EXPECT_EQ(abc[1], 0x78);
  EXPECT_EQ(abc[31], 0xad);
}

}  // namespace
}  // namespace lcg::gateway::api
