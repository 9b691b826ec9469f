#include "broker/channel/access.h"

#include <gtest/gtest.h>

#include "base/channel_name.h"
#include "broker/api/codes.h"
#include "broker/channel/glob.h"

namespace lcg::broker {
namespace {

TEST(ChannelNameTest, PartsOfAName) {
  const ChannelName name("$chat:room#42,56");

  EXPECT_TRUE(name.is_private);
  EXPECT_EQ(name.space, "chat");
  EXPECT_EQ(name.rest, "room#42,56");
  EXPECT_TRUE(name.has_users);
  EXPECT_TRUE(name.lists("42"));
  EXPECT_TRUE(name.lists("56"));
  EXPECT_FALSE(name.lists("4"));
}

// An id is one user whatever it has inside, and nobody else.
TEST(ChannelNameTest, AnIdWithTheSignsOfNamesListsOneUser) {
  const std::vector<std::string> ids = {"cn=ann,mal",   "ann#mal",   "mal",      "cn=ann",
                                        "cn=ann%2Cmal", "ann%23mal", "mal lory", "%",
                                        "%25",          ",",         "",         "\xe5\x90\x8d"};
  for (const std::string& owner : ids) {
    const std::string channel = "#" + user_in_channel(owner);
    for (const std::string& user : ids)
      EXPECT_EQ(ChannelName(channel).lists(user), !user.empty() && user == owner) << channel << " " << user;
  }
}

TEST(ChannelNameTest, AnonymousIsNeverListed) { EXPECT_FALSE(ChannelName("#").lists("")); }

TEST(ChannelNameTest, OnlyTheFirstColonBounds) {
  EXPECT_EQ(ChannelName("a:b:c").space, "a");
  EXPECT_EQ(ChannelName("a:b:c").rest, "b:c");
}

PeerPtr peer_named(std::string user) {
  auto peer = std::make_shared<Peer>();
  peer->user = std::move(user);
  return peer;
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
        FindCase{"chat:", error_code::kBadRequest}, FindCase{"a b", 0},
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
  options.personal = true;
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
        DecideCase{"PersonalOfAnother", "#42", "", "43", true, false, false, true, false, kDeny},
        DecideCase{"PersonalNotEnabled", "#42", "", "42", true, false, false, true, false, kDeny},
        DecideCase{"HashMeansNothing", "a#42", "", "43", true, false, false, false, false, kAllow},
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

  const SubscriberOptions own = subscriber_options(options, {});
  EXPECT_EQ(is_positioned(options, own, request), c.positioned);
  EXPECT_EQ(is_recoverable(options, own, request), c.recoverable);
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

// A namespace that names a back end asks nobody else, itself included.
struct RouteCase {
  const char* name;
  const char* channel;
  const char* token;
  bool limited_allowed, insecure, routed;
  SubscribeDecision decision;
};
class RouteTest : public testing::TestWithParam<RouteCase> {};

TEST_P(RouteTest, Follows) {
  const RouteCase& c = GetParam();
  ChannelOptions options;
  options.subscribe.for_client = true;
  options.allow_user_limited_channels = c.limited_allowed;
  options.insecure = c.insecure;
  if (c.routed) options.subscribe_route = "default";
  SubscribeRequest request;
  request.channel = c.channel;
  request.token = c.token;
  request.peer = peer_named("42");

  EXPECT_EQ(decide_subscribe(options, request, false), c.decision);
}

INSTANTIATE_TEST_SUITE_P(
    Table, RouteTest,
    testing::Values(RouteCase{"BackEndBeforeOptions", "a", "", false, false, true, kAskPlugins},
                    RouteCase{"BackEndDecidesOnUnlimited", "a#43", "", false, false, true, kAskPlugins},
                    RouteCase{"ListedUserBeforeBackEnd", "a#42", "", true, false, true, kAllow},
                    RouteCase{"UnlistedUserIsNotTheBackEnds", "a#43", "", true, false, true, kDeny},
                    RouteCase{"PrivateIsNotTheBackEnds", "$a", "", false, false, true, kDeny},
                    RouteCase{"BackEndEvenIfInsecure", "a", "", false, true, true, kAskPlugins},
                    RouteCase{"InsecureOpensLimited", "#43", "", true, true, false, kAllow},
                    RouteCase{"InsecureOpensNothingPrivate", "$a", "", false, true, false, kDeny},
                    RouteCase{"InsecureVerifiesTokens", "$a", "t", false, true, false, kAskPlugins}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(InsecureTest, AllowsWhatNobodyForbids) {
  ChannelOptions options;
  Peer anonymous;
  EXPECT_FALSE(permits(options, options.history_read, ChannelName("a"), anonymous, false));

  options.insecure = true;

  EXPECT_TRUE(permits(options, options.history_read, ChannelName("a"), anonymous, false));
}

TEST(SubscriberOptionsTest, AnOverrideTakesTheOptionsPlace) {
  ChannelOptions options;
  options.presence = options.force_recovery = true;
  ChannelOverride wanted;
  wanted.presence = false;
  wanted.join_leave = wanted.force_positioning = true;

  const SubscriberOptions own = subscriber_options(options, wanted);

  EXPECT_FALSE(own.presence);
  EXPECT_TRUE(own.join_leave);
  EXPECT_FALSE(own.force_push_join_leave);
  EXPECT_TRUE(own.force_recovery);
  EXPECT_TRUE(own.force_positioning);
}

struct PushCase {
  const char* name;
  bool join_leave, forced, may_presence, server_side, asks, pushed;
};
class PushTest : public testing::TestWithParam<PushCase> {};

TEST_P(PushTest, Follows) {
  const PushCase& c = GetParam();
  ChannelOptions options;
  options.join_leave = c.join_leave;
  options.force_push_join_leave = c.forced;
  options.presence_read.for_subscriber = c.may_presence;
  SubscribeRequest request;
  request.peer = peer_named("42");
  request.server_side = c.server_side;
  request.join_leave = c.asks;

  EXPECT_EQ(pushes_join_leave(options, subscriber_options(options, {}), request), c.pushed);
}

INSTANTIATE_TEST_SUITE_P(Table, PushTest,
                         testing::Values(PushCase{"Forced", true, true, false, false, false, true},
                                         PushCase{"AskedAndAllowed", true, false, true, false, true, true},
                                         PushCase{"AskedNotAllowed", true, false, false, false, true, false},
                                         PushCase{"AskedByTheServer", true, false, false, true, true, true},
                                         PushCase{"NotAsked", true, false, true, false, false, false},
                                         PushCase{"NamespaceTellsNobody", false, false, true, false, true,
                                                  false}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST(DeltaWishTest, IsHonouredWhereAllowedAndNotWithAFilter) {
  ChannelOptions options;
  SubscribeRequest request;
  request.delta = true;
  EXPECT_FALSE(takes_delta(options, request));

  options.allow_fossil = true;
  EXPECT_TRUE(takes_delta(options, request));

  request.filtered = true;
  EXPECT_FALSE(takes_delta(options, request));
}

Namespaces with_pattern(std::string_view expression) {
  ChannelOptions options;
  options.name = "city";
  options.pattern = ChannelPattern::compile(expression).value();
  return Namespaces({}, {options});
}

TEST(PatternTest, IsMatchedWithThePartAfterTheNamespace) {
  const Namespaces namespaces = with_pattern("^[a-z]+$");

  EXPECT_EQ(namespaces.find("city:oslo").error, 0u);
  EXPECT_EQ(namespaces.find("city:oslo1").error, error_code::kBadRequest);
}

TEST(PatternTest, MatchesAnywhereWithoutAnchors) {
  EXPECT_EQ(with_pattern("[0-9]").find("city:oslo1").error, 0u);
}

TEST(PatternTest, LetsOtherLettersThanAsciiIn) {
  const Namespaces namespaces = with_pattern("^\\pL+$");

  EXPECT_EQ(namespaces.find("city:troms\xc3\xb8").error, 0u);
  EXPECT_EQ(namespaces.find("city:troms\xc3").error, error_code::kBadRequest) << "no UTF-8";
}

TEST(PatternTest, ControlCharactersAreNeverANamesPart) {
  EXPECT_EQ(with_pattern(".*").find("city:a\nb").error, error_code::kBadRequest);
}

TEST(PatternTest, AnExpressionIsCheckedAndBounded) {
  EXPECT_FALSE(ChannelPattern::compile("(").ok());
  EXPECT_FALSE(ChannelPattern::compile("(a)\\1").ok()) << "back references take exponential time";
  EXPECT_FALSE(ChannelPattern::compile(std::string(1025, 'a')).ok());
  EXPECT_FALSE(ChannelPattern::compile("((((((x{100}){100}){100}){100}){100}){100})").ok());
}

TEST(GlobTest, StarsAndQuestionMarks) {
  size_t compared = 0;
  EXPECT_TRUE(glob_matches("chat:*", "chat:room", compared));
  EXPECT_TRUE(glob_matches("*:r??m", "chat:room", compared));
  EXPECT_TRUE(glob_matches("c*t*o*", "chat:room", compared));
  EXPECT_TRUE(glob_matches("**", "", compared));
  EXPECT_FALSE(glob_matches("chat:?", "chat:", compared));
  EXPECT_FALSE(glob_matches("chat", "chat:room", compared));
  EXPECT_FALSE(glob_matches("*x", "chat:room", compared));
  EXPECT_FALSE(glob_matches("", "a", compared));
}

}  // namespace
}  // namespace lcg::broker
