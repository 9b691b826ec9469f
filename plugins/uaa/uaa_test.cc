// SPDX-License-Identifier: Apache-2.0
// The plugin in the fake host: names, passwords, keys, operators.
#include "plugins/uaa/records.h"
#include "plugins/uaa/testing/uaa_rig.h"

namespace lcg::uaa {
namespace {

using namespace std::chrono_literals;
using lcg::testing::http;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class UaaTest : public UaaRig {};

TEST_F(UaaTest, APasswordBuysATokenThatConnects) {
  load();
  const Reply tokens = login();
  ASSERT_EQ(tokens.error_code, 200u) << tokens.data;
  EXPECT_EQ(member(tokens, "token_type"), "Bearer");

  const Reply connected = connect(access(tokens));

  EXPECT_EQ(connected.status, LCG_OK) << connected.message;
  EXPECT_EQ(connected.user_id, "alice");
  EXPECT_THAT(connected.auth_id, Not(IsEmpty()));
  EXPECT_EQ(connected.info, R"({"name":"alice"})");
  EXPECT_EQ(connected.channels, std::vector<std::string>{"#alice"});
  EXPECT_NEAR(static_cast<double>(connected.expire_at_ms - host_.wall_ms()), 15 * 60e3, 1000);
}

TEST_F(UaaTest, JsonBodiesWorkLikeForms) {
  load();
  EXPECT_EQ(post("/oauth/register", R"({"username":"x{}|`^\\_-","password":"correct horse","name":"X"})")
                .error_code,
            201u);

  const Reply tokens =
      post("/oauth/token", R"({"grant_type":"password","username":"x{}|`^\\_-","password":"correct horse"})");

  EXPECT_EQ(connect(access(tokens)).info, R"({"name":"X"})");
}

TEST_F(UaaTest, AWrongPasswordAndAnUnknownUserLookTheSame) {
  load();
  add_user("alice");

  const Reply wrong = password_grant("alice", "wrong horse");
  const Reply unknown = password_grant("nobody", "wrong horse");

  EXPECT_EQ(wrong.error_code, 400u);
  EXPECT_EQ(member(wrong, "error"), "invalid_grant");
  EXPECT_EQ(wrong.data, unknown.data);
  EXPECT_EQ(wrong.error_code, unknown.error_code);
}

TEST_F(UaaTest, ThePasswordIsStoredHashedOnly) {
  load();
  add_user("alice");

  const auto stored = host_.storage().find("alice", std::string(kPasswordCollection), "password");

  ASSERT_TRUE(stored);
  EXPECT_THAT(*stored, HasSubstr("$argon2id$"));
  EXPECT_THAT(*stored, Not(HasSubstr("horse")));
}

TEST_F(UaaTest, NoTokenOrPasswordIsEverLogged) {
  load();
  const Reply first = login();
  const Reply second = refresh_grant(refresh(first));
  refresh_grant(refresh(first));
  connect(access(second));

  for (const auto& record : host_.logs()) {
    EXPECT_THAT(record.text, Not(HasSubstr("horse")));
    EXPECT_THAT(record.text, Not(HasSubstr(access(first))));
    EXPECT_THAT(record.text, Not(HasSubstr(refresh(first))));
  }
}

TEST_F(UaaTest, RegistrationCanBeClosed) {
  load({{"registration", "closed"}});

  EXPECT_EQ(post("/oauth/register", "username=alice&password=correct+horse").error_code, 403u);
}

TEST_F(UaaTest, ATakenNameIsAConflict) {
  load();
  add_user("alice");

  EXPECT_EQ(post("/oauth/register", "username=alice&password=another+horse").error_code, 409u);
  EXPECT_EQ(password_grant("alice").error_code, 200u);
}

TEST_F(UaaTest, RegistrationHasLimits) {
  load();
  for (const std::string& body :
       {std::string("username=a%20b&password=correct+horse"), std::string("username=&password=correct+horse"),
        std::string("username=alice&password=short"), std::string("username=alice"),
        "username=alice&password=" + std::string(257, 'p'),
        "username=" + std::string(65, 'a') + "&password=correct+horse",
        std::string("username=alice&password=correct+horse&name=%ff"), std::string("[1]")})
    EXPECT_EQ(post("/oauth/register", body).error_code, 400u) << body;
}

TEST_F(UaaTest, TokenRequestsThatAreMalformedAreNamed) {
  load();
  EXPECT_EQ(member(post("/oauth/token", ""), "error"), "invalid_request");
  EXPECT_EQ(member(post("/oauth/token", "grant_type=password&username=a"), "error"), "invalid_request");
  EXPECT_EQ(member(post("/oauth/token", "grant_type=a&grant_type=b"), "error"), "invalid_request");
  EXPECT_EQ(member(post("/oauth/token", "grant_type=client_credentials"), "error"), "unsupported_grant_type");
  EXPECT_EQ(member(post("/oauth/token", "grant_type=refresh_token&refresh_token=x"), "error"),
            "invalid_grant");
  EXPECT_EQ(host_.ask(http("GET /oauth/token", "")).error_code, 405u);
}

TEST_F(UaaTest, OtherPathsAndEmptyCredentialsAreDeferred) {
  load();
  EXPECT_EQ(host_.ask("uaa", http("POST /other", "")).status, LCG_DEFER);
  EXPECT_EQ(host_.ask("uaa", lcg::testing::connect("")).status, LCG_DEFER);
}

TEST_F(UaaTest, FailedPasswordsOfOneUserAreLimited) {
  load({{"limits.user.burst", "3"}, {"limits.user.per_minute", "6"}});
  add_user("alice");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(password_grant("alice", "wrong horse").error_code, 400u);

  EXPECT_EQ(password_grant("alice").error_code, 429u);
  host_.advance(10'000);
  EXPECT_EQ(password_grant("alice").error_code, 200u);
}

TEST_F(UaaTest, GoodPasswordsDoNotUseUpTheLimit) {
  load({{"limits.user.burst", "2"}});
  add_user("alice");
  for (int i = 0; i < 10; ++i) EXPECT_EQ(password_grant("alice").error_code, 200u);
}

TEST_F(UaaTest, OneAddressIsLimitedAcrossUsers) {
  load({{"limits.address.burst", "3"}, {"limits.address.per_minute", "1"}});
  for (int i = 0; i < 3; ++i) password_grant("user" + std::to_string(i), "wrong horse");

  EXPECT_EQ(password_grant("another", "wrong horse").error_code, 429u);
  EXPECT_EQ(password_grant("another", "wrong horse", "192.0.2.2:1").error_code, 400u);
}

TEST_F(UaaTest, OneAddressMayMakeOnlySoManyUsers) {
  load({{"limits.registration.burst", "2"}, {"limits.registration.per_minute", "1"}});
  add_user("a");
  add_user("b");

  EXPECT_EQ(post("/oauth/register", "username=c&password=correct+horse").error_code, 429u);
}

TEST_F(UaaTest, ACheaperHashIsMadeAnewAtTheNextLogin) {
  load();
  add_user("alice");
  const auto before = host_.storage().find("alice", std::string(kPasswordCollection), "password");
  host_.stop();
  load({{"argon2_passes", "2"}});

  EXPECT_EQ(password_grant("alice").error_code, 200u);
  host_.run();

  EXPECT_NE(host_.storage().find("alice", std::string(kPasswordCollection), "password"), before);
  EXPECT_EQ(password_grant("alice").error_code, 200u);
}

TEST_F(UaaTest, WhenTheStoreIsDownNobodyIsLetInAndNobodyIsToldToGiveUp) {
  load();
  const Reply tokens = login();
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.times = 1000;
  host_.inject(fault);

  const Reply connected = connect(access(tokens));

  EXPECT_EQ(connected.status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(connected.disconnect_code, 0u);
  EXPECT_EQ(password_grant("alice").error_code, 503u);
  EXPECT_EQ(refresh_grant(refresh(tokens)).error_code, 503u);
  EXPECT_EQ(post("/oauth/revoke", "token=" + access(tokens)).error_code, 503u);
}

TEST_F(UaaTest, StartsOnceTheStoreIsThere) {
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.times = 5;
  host_.inject(fault);

  load();

  EXPECT_EQ(connect(access(login())).status, LCG_OK);
}

TEST_F(UaaTest, DoesNotStartWithoutAStore) {
  lcg::testing::Fault fault;
  fault.service = "storage";
  fault.times = 100;
  host_.inject(fault);

  EXPECT_THROW(load(), lcg::testing::PluginError);
}

TEST_F(UaaTest, TokensAndLoginsSurviveARestart) {
  load();
  const Reply tokens = login();

  host_.restart();

  EXPECT_EQ(connect(access(tokens)).user_id, "alice");
  EXPECT_EQ(refresh_grant(refresh(tokens)).error_code, 200u);
}

TEST_F(UaaTest, InstancesShareOneSigningKey) {
  host_.load(lcg_plugin_descriptor_uaa(), cheap(), 4);
  add_user("alice");

  for (int i = 0; i < 8; ++i) EXPECT_EQ(connect(access(password_grant("alice"))).status, LCG_OK);

  EXPECT_EQ(host_.storage().rows(std::string(kKeyPartition), std::string(kKeyCollection)).size(), 1u);
}

TEST_F(UaaTest, AnOldKeyGetsASuccessorAndVerifiesUntilItsTokensAreGone) {
  load({{"key.rotate", "1h"}, {"key.keep", "24h"}, {"access_ttl", "12h"}});
  const Reply old = login();
  host_.advance(3'700'000);
  const auto keys = [&] {
    return host_.storage().rows(std::string(kKeyPartition), std::string(kKeyCollection)).size();
  };
  EXPECT_EQ(keys(), 2u);

  EXPECT_EQ(connect(access(old)).status, LCG_OK);
  EXPECT_EQ(connect(access(password_grant("alice"))).status, LCG_OK);
  host_.advance(48 * 3'600'000);

  EXPECT_LE(keys(), 27u);
  EXPECT_GE(keys(), 24u);
  EXPECT_EQ(connect(access(password_grant("alice"))).status, LCG_OK);
}

TEST_F(UaaTest, JwksHoldsThePublicKeyOnly) {
  load();
  const Reply jwks = host_.ask(http("GET /.well-known/jwks.json", ""));

  EXPECT_EQ(jwks.content_type, "application/jwk-set+json");
  EXPECT_THAT(jwks.data, HasSubstr(R"("kty":"EC","crv":"P-256","alg":"ES256","use":"sig")"));
  EXPECT_THAT(jwks.data, Not(HasSubstr("\"d\"")));
}

TEST_F(UaaTest, MetadataNamesTheEndpointsUnderTheIssuer) {
  load({{"issuer", "https://chat.example"}});
  const Reply metadata = host_.ask(http("GET /.well-known/oauth-authorization-server", ""));

  EXPECT_THAT(metadata.data, HasSubstr(R"("issuer":"https://chat.example")"));
  EXPECT_THAT(metadata.data, HasSubstr(R"("token_endpoint":"https://chat.example/oauth/token")"));
}

TEST_F(UaaTest, OperatorsIssueInspectAndRevokeTokens) {
  load();
  const Outcome<IssuedToken> issued = host_.await(client().issue_token("robot", 1h));
  ASSERT_EQ(issued.status, LCG_OK) << issued.message;
  EXPECT_EQ(connect(issued.value.access_token).user_id, "robot");

  const Outcome<Inspection> live = host_.await(client().inspect(issued.value.access_token));
  EXPECT_TRUE(live.value.active);
  EXPECT_EQ(live.value.auth_id, issued.value.auth_id);
  EXPECT_EQ(host_.await(client().revoke("robot", issued.value.auth_id)).status, LCG_OK);

  const Outcome<Inspection> revoked = host_.await(client().inspect(issued.value.access_token));
  EXPECT_FALSE(revoked.value.active);
  EXPECT_EQ(revoked.value.verdict, "login revoked");
}

TEST_F(UaaTest, OperatorsEndAllLoginsOfAUser) {
  load();
  const Reply first = login();
  const Reply second = password_grant("alice");

  EXPECT_EQ(host_.await(client().revoke("alice", "")).status, LCG_OK);

  EXPECT_EQ(connect(access(first)).disconnect_code, 3500u);
  EXPECT_EQ(connect(access(second)).disconnect_code, 3500u);
}

TEST_F(UaaTest, OperatorsAddUsersWhileRegistrationIsClosed) {
  load({{"registration", "closed"}});

  EXPECT_EQ(host_.await(client().add_user("alice", "correct horse", "")).status, LCG_OK);

  EXPECT_EQ(password_grant("alice").error_code, 200u);
}

TEST_F(UaaTest, SettingsAreChecked) {
  EXPECT_THROW(load({{"registration", "maybe"}}), lcg::testing::PluginError);
  EXPECT_THROW(load({{"leeway", "61s"}}), lcg::testing::PluginError);
  EXPECT_THROW(load({{"argon2_memory", "lots"}}), lcg::testing::PluginError);
}

}  // namespace
}  // namespace lcg::uaa
