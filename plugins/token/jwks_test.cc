// SPDX-License-Identifier: Apache-2.0
// Published keys, from a real HTTP server on loopback.
#include "plugins/token/testing/http_stub.h"
#include "plugins/token/testing/token_rig.h"

namespace lcg::token {
namespace {

using ::testing::HasSubstr;

class JwksTest : public TokenRig {
 protected:
  void start(Config more = {}, uint32_t instances = 1) {
    more.insert({{"jwks.url", server_.url()}, {"jwks.timeout", "5s"}});
    load(std::move(more), instances);
    host_.advance(1000);
  }
  Reply connect_with(const EcSigner& signer) { return connect(signer.sign(claims())); }
  bool logged(const std::string& text) const {
    for (const auto& record : host_.logs())
      if (record.text.find(text) != std::string::npos) return true;
    return false;
  }
  // The set is refused, the server runs, and tokens are refused for now.
  void expect_not_taken(const std::string& why, Config more = {}) {
    start(std::move(more));
    const Reply reply = connect_with(first_);
    EXPECT_EQ(reply.error_code, 100u);
    EXPECT_EQ(reply.flags, LCG_RESULT_TEMPORARY);
    EXPECT_TRUE(logged(why)) << why;
  }

  HttpStub server_;
  const EcSigner first_{"k1"}, second_{"k2"};
};

TEST_F(JwksTest, APublishedKeyLetsIn) {
  server_.publish(jwk_set({&first_}));
  start();
  EXPECT_EQ(connect_with(first_).user_id, "ann");
  EXPECT_EQ(server_.requests(), 1);
}

TEST_F(JwksTest, ARotatedKeyIsFoundByItsFirstToken) {
  server_.publish(jwk_set({&first_}));
  start();
  server_.publish(jwk_set({&first_, &second_}));
  host_.advance(30'000);

  EXPECT_EQ(connect_with(second_).user_id, "ann");
  EXPECT_EQ(connect_with(first_).user_id, "ann");
  EXPECT_EQ(server_.requests(), 2);
}

TEST_F(JwksTest, AKeyThatIsNoLongerPublishedIsRefused) {
  server_.publish(jwk_set({&first_}));
  start({{"jwks.refresh", "60s"}});
  server_.publish(jwk_set({&second_}));
  host_.advance(70'000);

  EXPECT_EQ(connect_with(second_).user_id, "ann");
  EXPECT_EQ(connect_with(first_).error_code,
            100u);  // it may be published again, and is not asked for so soon
  host_.advance(31'000);
  EXPECT_EQ(connect_with(first_).disconnect_code, 3500u);
}

TEST_F(JwksTest, AFloodOfUnknownKidsMakesOneRequest) {
  server_.publish(jwk_set({&first_}));
  start({}, 3);
  host_.advance(30'000);
  const int before = server_.requests();

  std::vector<lcg::testing::Pending> answers;
  for (int i = 0; i < 300; ++i)
    answers.push_back(
        host_.send("token", lcg::testing::connect(EcSigner("x" + std::to_string(i)).sign(claims()))));
  host_.run();

  EXPECT_EQ(server_.requests(), before + 1);
  for (const auto& answer : answers) EXPECT_NE(answer->reply.status, LCG_OK);
  EXPECT_EQ(connect_with(first_).user_id, "ann");
}

TEST_F(JwksTest, AnUnknownKidAfterAFreshSetIsForGood) {
  server_.publish(jwk_set({&first_}));
  start();
  host_.advance(30'000);
  EXPECT_EQ(connect_with(second_).disconnect_code, 3500u);
}

TEST_F(JwksTest, AnUnknownKidThatCannotBeLookedUpIsForLater) {
  server_.publish(jwk_set({&first_}));
  start();
  EXPECT_EQ(connect_with(second_).error_code, 100u);
  EXPECT_EQ(server_.requests(), 1);
}

TEST_F(JwksTest, OldKeysStayWhileTheServerIsDown) {
  server_.publish(jwk_set({&first_}));
  start({{"jwks.refresh", "10s"}});
  server_.raw("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  host_.advance(20'000);

  EXPECT_GT(server_.requests(), 1);
  EXPECT_EQ(connect_with(first_).user_id, "ann");
  EXPECT_TRUE(logged("status 500; the keys known so far stay"));
}

TEST_F(JwksTest, AServerThatComesBackIsAskedAgain) {
  expect_not_taken("status 404");
  server_.publish(jwk_set({&first_}));

  host_.advance(10'000);

  EXPECT_EQ(connect_with(first_).user_id, "ann");
}

TEST_F(JwksTest, NobodyListeningDoesNotStopTheServer) {
  load({{"jwks.url", "http://127.0.0.1:1/"}});
  host_.advance(1000);
  EXPECT_EQ(connect_with(first_).error_code, 100u);
}

TEST_F(JwksTest, ARedirectIsNotFollowed) {
  server_.publish(jwk_set({&first_}), "/other");
  server_.raw("HTTP/1.1 302 Found\r\nLocation: " + server_.url("/other") +
              "\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  expect_not_taken("it redirects");
  EXPECT_EQ(server_.requests(), 1);
}

TEST_F(JwksTest, TenMegabytesAreNotRead) {
  server_.publish(R"({"keys":[],"x":")" + std::string(10u << 20, 'x') + "\"}");
  expect_not_taken("over 65536 bytes");
}

TEST_F(JwksTest, AnEndlessHeadIsNotRead) {
  std::string head = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 100; ++i) head += "X-" + std::to_string(i) + ": " + std::string(1000, 'x') + "\r\n";
  server_.raw(head + "Content-Length: 2\r\n\r\n{}");
  expect_not_taken("over 65536 bytes");
}

TEST_F(JwksTest, AStallEndsAtTheTimeout) {
  server_.raw("");
  expect_not_taken("no answer within 100 ms", {{"jwks.timeout", "100ms"}});
}

TEST_F(JwksTest, WhatIsNotASetIsNotTaken) {
  server_.publish("<html>");
  expect_not_taken("not one JSON object");
}

TEST_F(JwksTest, CompressedAnswersAreNotUnderstood) {
  server_.raw(
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\nConnection: close\r\n\r\n\x1f\x8b");
  expect_not_taken("tokens cannot be checked yet");
}

TEST_F(JwksTest, TheMetadataServiceIsNotAsked) {
  load({{"jwks.url", "http://169.254.169.254/latest/meta-data"}});
  host_.advance(1000);
  EXPECT_EQ(connect_with(first_).error_code, 100u);
  EXPECT_TRUE(logged("not to be connected to"));
}

TEST_F(JwksTest, AnAddressInAnotherSpellingIsNotAskedEither) {
  load({{"jwks.url", "http://0xa9fea9fe/latest/meta-data"}});
  host_.advance(1000);
  EXPECT_TRUE(logged("not to be connected to"));
}

TEST_F(JwksTest, PlainHttpIsWarnedOf) {
  server_.publish(jwk_set({&first_}));
  start();
  EXPECT_TRUE(logged("plain http"));
}

TEST_F(JwksTest, AnotherAlgorithmWithTheKeysKidIsForged) {
  server_.publish(jwk_set({&first_}));
  start();
  EXPECT_EQ(connect(hs256(claims(), first_.jwk(), R"({"alg":"HS256","kid":"k1"})")).disconnect_code, 3500u);
}

TEST_F(JwksTest, HeadersThatNameAServerMakeNoRequest) {
  server_.publish(jwk_set({&first_}));
  start();
  const std::string header =
      R"({"alg":"HS256","jku":")" + server_.url("/evil") + R"(","x5u":")" + server_.url("/evil") + "\"}";
  EXPECT_EQ(connect(hs256(claims(), kSecret, header)).disconnect_code, 3500u);
  EXPECT_EQ(server_.requests(), 1);
}

TEST_F(JwksTest, FixedKeysCountBesidePublishedOnes) {
  server_.publish(jwk_set({&first_}));
  start({{"hmac_secret_key", kSecret}});
  EXPECT_EQ(connect(token()).user_id, "ann");
  EXPECT_EQ(connect_with(first_).user_id, "ann");
}

// --- one endpoint a realm --------------------------------------------------------------------------

class RealmTest : public JwksTest {
 protected:
  void start_realms(const std::string& users = "separate") {
    server_.publish(jwk_set({&first_}), "/a/certs");
    server_.publish(jwk_set({&second_}), "/b/certs");
    start({{"jwks.url", server_.url("/{{realm}}/certs")},
           {"issuer_regex", "https://id\\.example/(?P<realm>[a-z/.]+)"},
           {"jwks.values.realm.#", "2"},
           {"jwks.values.realm.0", "a"},
           {"jwks.values.realm.1", "b"},
           {"jwks.users", users}});
  }
  Reply of(const EcSigner& signer, const std::string& realm) {
    return connect(signer.sign(claims(R"("iss":"https://id.example/)" + realm + "\"")));
  }
};

TEST_F(RealmTest, EachHasItsKeysAndItsUsers) {
  start_realms();
  EXPECT_EQ(of(first_, "a").user_id, "a@ann");
  EXPECT_EQ(of(second_, "b").user_id, "b@ann");
}

TEST_F(RealmTest, UsersAreSharedWhereTheOperatorSaysSo) {
  start_realms("shared");
  EXPECT_EQ(of(first_, "a").user_id, "ann");
  EXPECT_EQ(of(second_, "b").user_id, "ann");
}

TEST_F(RealmTest, SeveralSetsOfKeysDoNotStartWithoutAWordAboutTheirUsers) {
  for (const char* users : {"", "both"})
    EXPECT_THROW(start_realms(users), lcg::testing::PluginError) << users;
}

TEST_F(RealmTest, AKeyOfOneSignsNothingOfAnother) {
  start_realms();
  host_.advance(30'000);
  EXPECT_EQ(of(first_, "b").disconnect_code, 3500u);
}

TEST_F(RealmTest, ARealmThatIsNotListedIsNeverAskedFor) {
  start_realms();
  const int before = server_.requests();
  for (const char* realm : {"c", "../a", "a/certs", "a/../b"})
    EXPECT_EQ(of(first_, realm).disconnect_code, 3500u);
  EXPECT_EQ(server_.requests(), before);
}

}  // namespace
}  // namespace lcg::token
