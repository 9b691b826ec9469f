#include "broker/channel/access.h"

#include <gtest/gtest.h>

#include "broker/api/codes.h"

namespace lcg::broker {
namespace {

TEST(ChannelNameTest, PartsOfAName) {
  const ChannelName name("$chat:room#42,56");

  EXPECT_TRUE(name.is_private);
  EXPECT_EQ(name.space, "chat");
  EXPECT_EQ(name.rest, "room#42,56");
  EXPECT_TRUE(name.user_limited);
  EXPECT_TRUE(name.lists("42"));
  EXPECT_TRUE(name.lists("56"));
  EXPECT_FALSE(name.lists("4"));
}

TEST(ChannelNameTest, AnonymousIsNeverListed) { EXPECT_FALSE(ChannelName("#").lists("")); }

TEST(ChannelNameTest, OnlyTheFirstColonBounds) {
  EXPECT_EQ(ChannelName("a:b:c").space, "a");
  EXPECT_EQ(ChannelName("a:b:c").rest, "b:c");
}

Namespaces make_namespaces() {
  ChannelOptions chat, dialog;
  chat.name = "chat";
  dialog.name = "dialog";
  dialog.provider = "dialog";
  return Namespaces({}, {chat, dialog});
}

struct FindCase {
  std::string channel;
  uint32_t error;
};
class FindTest : public testing::TestWithParam<FindCase> {};

TEST_P(FindTest, Follows) { EXPECT_EQ(make_namespaces().find(GetParam().channel).error, GetParam().error); }

INSTANTIATE_TEST_SUITE_P(
    Table, FindTest,
    testing::Values(
        FindCase{"news", 0}, FindCase{"chat:room", 0}, FindCase{"$chat:room", 0}, FindCase{"#42", 0},
        FindCase{std::string(255, 'a'), 0}, FindCase{std::string(256, 'a'), error_code::kBadRequest},
        FindCase{"", error_code::kBadRequest}, FindCase{"$", error_code::kBadRequest},
        FindCase{"chat:", error_code::kBadRequest}, FindCase{"a b", error_code::kBadRequest},
        FindCase{"caf\xc3\xa9", error_code::kBadRequest},
        FindCase{std::string("a\0b", 3), error_code::kBadRequest}, FindCase{"a\nb", error_code::kBadRequest},
        FindCase{"nowhere:room", error_code::kUnknownChannel}, FindCase{":room", error_code::kUnknownChannel},
        FindCase{"dialog:1", 0}, FindCase{"$dialog:1", error_code::kPermissionDenied}));

TEST(NamespacesTest, KeyFollowsTheProvider) {
  const Namespaces namespaces = make_namespaces();

  EXPECT_EQ(namespaces.key_of("dialog:42"), "42");
  EXPECT_EQ(namespaces.key_of("chat:42"), "chat:42");
  EXPECT_EQ(namespaces.key_of("#42"), "42");
}

struct PermissionCase {
  bool for_client, for_subscriber, for_anonymous;
  const char* user;
  bool subscribed, allowed;
};
class PermissionTest : public testing::TestWithParam<PermissionCase> {};

TEST_P(PermissionTest, Follows) {
  const PermissionCase& c = GetParam();
  Peer peer;
  peer.user = c.user;

  EXPECT_EQ((Permission{c.for_client, c.for_subscriber, c.for_anonymous}.allows(peer, c.subscribed)),
            c.allowed);
}

INSTANTIATE_TEST_SUITE_P(Table, PermissionTest,
                         testing::Values(PermissionCase{false, false, false, "u", true, false},
                                         PermissionCase{true, false, false, "u", false, true},
                                         PermissionCase{true, false, false, "", false, false},
                                         PermissionCase{true, false, true, "", false, true},
                                         PermissionCase{false, true, false, "u", false, false},
                                         PermissionCase{false, true, false, "u", true, true},
                                         PermissionCase{false, true, false, "", true, false},
                                         PermissionCase{false, true, true, "", true, true},
                                         PermissionCase{false, false, true, "", true, false}));

// The order of client-protocol 1.12.
struct DecideCase {
  const char* name;
  const char* channel;
  const char* token;
  const char* user;
  bool for_client, limited_allowed, provided, plugins_care, server_side;
  SubscribeDecision decision;
};
class DecideTest : public testing::TestWithParam<DecideCase> {};

TEST_P(DecideTest, Follows) {
  const DecideCase& c = GetParam();
  ChannelOptions options;
  options.subscribe.for_client = c.for_client;
  options.allow_user_limited_channels = c.limited_allowed;
  if (c.provided) options.provider = "dialog";
  auto peer = std::make_shared<Peer>();
  peer->user = c.user;
  SubscribeRequest request;
  request.channel = c.channel;
  request.token = c.token;
  request.peer = peer;
  request.server_side = c.server_side;

  EXPECT_EQ(decide_subscribe(options, request, c.plugins_care), c.decision);
}

using enum SubscribeDecision;
INSTANTIATE_TEST_SUITE_P(
    Table, DecideTest,
    testing::Values(
        DecideCase{"PrivateWithoutToken", "$a", "", "42", true, true, false, true, false, kDeny},
        DecideCase{"PrivateWithToken", "$a", "t", "42", false, false, false, false, false, kAskPlugins},
        DecideCase{"TokenComesFirst", "#42", "t", "42", true, true, false, false, false, kAskPlugins},
        DecideCase{"ListedUser", "#42", "", "42", false, true, false, true, false, kAllow},
        DecideCase{"ListedUserNotEnabled", "#42", "", "42", false, false, false, true, false, kDeny},
        DecideCase{"UnlistedUser", "#42", "", "43", true, true, false, true, false, kDeny},
        DecideCase{"AnonymousInLimited", "#", "", "", true, true, false, false, false, kDeny},
        DecideCase{"PluginsBeforeOptions", "a", "", "42", true, false, false, true, false,
                   kAskPluginsThenOptions},
        DecideCase{"Options", "a", "", "42", true, false, false, false, false, kAllow},
        DecideCase{"OptionsAnonymous", "a", "", "", true, false, false, false, false, kDeny},
        DecideCase{"OptionsSayNo", "a", "", "42", false, false, false, false, false, kDeny},
        DecideCase{"ProviderDecides", "dialog:1", "", "42", false, false, true, true, false, kAllow},
        DecideCase{"PrivateProvided", "$dialog:1", "", "42", true, true, true, true, false, kDeny},
        DecideCase{"ServerSide", "$a", "", "42", false, false, false, true, true, kAllow}),
    [](const auto& row) { return std::string(row.param.name); });

struct WishCase {
  bool keeps, force_positioning, force_recovery, allow_positioning, allow_recovery, may_history;
  bool asks_positioned, asks_recoverable;
  bool positioned, recoverable;
};
class WishTest : public testing::TestWithParam<WishCase> {};

TEST_P(WishTest, Follows) {
  const WishCase& c = GetParam();
  ChannelOptions options;
  if (c.keeps) options.history_size = 10, options.history_ttl = Millis(1000);
  options.force_positioning = c.force_positioning;
  options.force_recovery = c.force_recovery;
  options.allow_positioning = c.allow_positioning;
  options.allow_recovery = c.allow_recovery;
  options.history_read.for_subscriber = c.may_history;
  auto peer = std::make_shared<Peer>();
  peer->user = "42";
  SubscribeRequest request;
  request.peer = peer;
  request.positioned = c.asks_positioned;
  request.recoverable = c.asks_recoverable;

  EXPECT_EQ(is_positioned(options, request), c.positioned);
  EXPECT_EQ(is_recoverable(options, request), c.recoverable);
}

INSTANTIATE_TEST_SUITE_P(Table, WishTest,
                         testing::Values(WishCase{true, 0, 0, 0, 0, 0, 1, 1, false, false},
                                         WishCase{true, 0, 0, 1, 0, 0, 1, 1, true, false},
                                         WishCase{true, 0, 0, 0, 1, 0, 1, 1, true, true},
                                         WishCase{true, 0, 0, 0, 0, 1, 1, 1, true, true},
                                         WishCase{true, 0, 0, 0, 0, 1, 0, 0, false, false},
                                         WishCase{true, 1, 0, 0, 0, 0, 0, 0, true, false},
                                         WishCase{true, 0, 1, 0, 0, 0, 0, 0, true, true},
                                         WishCase{false, 1, 1, 1, 1, 1, 1, 1, false, false}));

}  // namespace
}  // namespace lcg::broker
