#include "appliance/config.h"

#include <gmock/gmock.h>

namespace lcg {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Read {
  explicit Read(std::string_view text) : document(config::Document::parse(text, "lcg.yaml")) {
    config = AppConfig::read(document);
  }
  size_t of_client() const { return config.broker.channels.of_client; }
  config::Document document;
  AppConfig config;
};

TEST(AppConfigTest, AUserMayBringWhatItsConnectionsMayBeSubscribedTo) {
  EXPECT_EQ(Read("{}").of_client(), 64u * 128);
  EXPECT_EQ(Read("{gateway: {clients: {channels: 4096}}, broker: {sessions_per_user: 10}}").of_client(),
            40'960u);
  EXPECT_EQ(Read("{broker: {sessions_per_user: 1}}").of_client(), broker::kLeastChannelsPerClient);
}

TEST(AppConfigTest, TheBrokerKnowsHowLargeAPublicationMayBe) {
  EXPECT_EQ(Read("{}").config.broker.publication_bytes, 65'536u);
  EXPECT_EQ(Read("{gateway: {websocket: {message_size: 1MiB}}}").config.broker.publication_bytes, 1u << 20);
}

TEST(AppConfigTest, WhatClientsMayPublishFitsIntoTheStore) {
  const std::string durable =
      "channel: {namespaces: [{name: own, history: durable, history_size: 9, history_ttl: 1h}]}";
  EXPECT_TRUE(Read("{" + durable + "}").document.ok());
  EXPECT_THAT(Read("{gateway: {websocket: {message_size: 8MiB}}, " + durable + "}").document.error_text(),
              AllOf(HasSubstr("gateway.websocket.message_size"), HasSubstr("8388608"), HasSubstr("4124672")));
}

TEST(AppConfigTest, ALimitOfItsOwnIsKept) {
  Read read("{broker: {channels_per_client: 500}}");

  EXPECT_TRUE(read.document.ok()) << read.document.error_text();
  EXPECT_EQ(read.of_client(), 500u);
}

TEST(AppConfigTest, AClientThatMayBringLessThanOneConnectionMaySubscribeToIsRefused) {
  Read read("{gateway: {clients: {channels: 4096}}, broker: {channels_per_client: 2000}}");

  EXPECT_THAT(read.document.error_text(), AllOf(HasSubstr("broker.channels_per_client"), HasSubstr("2000"),
                                                HasSubstr("4096"), HasSubstr("gateway.clients.channels")));
}

}  // namespace
}  // namespace lcg
