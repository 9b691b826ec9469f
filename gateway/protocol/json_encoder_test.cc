#include <gtest/gtest.h>

#include "gateway/protocol/codec.h"

namespace lcg::protocol {
namespace {

const Encoder& json() { return encoder_of(Variant{}); }

PublicationPtr publication(uint64_t offset, std::string epoch, std::string_view data) {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = std::move(epoch);
  pub->data = SharedBytes(data);
  return pub;
}

// What one call writes into an empty frame.
template <class Call>
std::string written(Call&& call) {
  std::string out;
  call(out);
  return out;
}

TEST(JsonEncode, Error) {
  EXPECT_EQ(written([](auto& out) {
              json().error(out, 4, {103, "permission denied", false});
            }),
            R"({"id":4,"error":{"code":103,"message":"permission denied"}})");
}

TEST(JsonEncode, TemporaryError) {
  EXPECT_EQ(written([](auto& out) { json().error(out, 4, make_error(error_code::kInternal)); }),
            R"({"id":4,"error":{"code":100,"message":"internal server error","temporary":true}})");
}

TEST(JsonEncode, ConnectLeavesOutWhatIsZero) {
  EXPECT_EQ(written([](auto& out) { json().connect(out, 1, {.client = "c1", .version = "v"}); }),
            R"({"id":1,"connect":{"client":"c1","version":"v"}})");
}

TEST(JsonEncode, ConnectWithEverything) {
  const std::vector<PublicationPtr> pubs = {publication(3, "E", "1")};
  const ServerSubscription subs[] = {{"#u\"",
                                      {.position = {2, "E"},
                                       .publications = pubs,
                                       .recoverable = true,
                                       .recovered = true,
                                       .was_recovering = true}}};

  EXPECT_EQ(
      written([&](auto& out) {
        json().connect(out, 1,
                       {.client = "c",
                        .version = "v",
                        .data = "{\"d\":1}",
                        .subs = subs,
                        .ttl_seconds = 60,
                        .ping_seconds = 25,
                        .expects_pong = true});
      }),
      R"({"id":1,"connect":{"client":"c","version":"v","expires":true,"ttl":60,"data":{"d":1},"subs":{"#u\"":{)"
      R"("recoverable":true,"epoch":"E","publications":[{"data":1,"offset":3}],"recovered":true,"offset":2,)"
      R"("was_recovering":true}},"ping":25,"pong":true}})");
}

TEST(JsonEncode, EmptyResultsAreThere) {
  EXPECT_EQ(written([](auto& out) { json().subscribe(out, 2, {}); }), R"({"id":2,"subscribe":{}})");
  EXPECT_EQ(written([](auto& out) { json().unsubscribe(out, 3); }), R"({"id":3,"unsubscribe":{}})");
  EXPECT_EQ(written([](auto& out) { json().publish(out, 4); }), R"({"id":4,"publish":{}})");
  EXPECT_EQ(written([](auto& out) { json().rpc(out, 5, ""); }), R"({"id":5,"rpc":{}})");
  EXPECT_EQ(written([](auto& out) { json().refresh(out, 6, {0}); }), R"({"id":6,"refresh":{}})");
}

TEST(JsonEncode, Subscribe) {
  EXPECT_EQ(
      written([](auto& out) {
        json().subscribe(out, 2,
                         {.position = {7, "xYz"}, .data = "[1]", .recoverable = true, .positioned = true});
      }),
      R"({"id":2,"subscribe":{"recoverable":true,"epoch":"xYz","offset":7,"positioned":true,"data":[1]}})");
}

TEST(JsonEncode, FieldsThatAreAlwaysThere) {
  EXPECT_EQ(written([](auto& out) { json().presence(out, 1, {}); }),
            R"({"id":1,"presence":{"presence":{}}})");
  EXPECT_EQ(written([](auto& out) { json().presence_stats(out, 1, 0, 0); }),
            R"({"id":1,"presence_stats":{"num_clients":0,"num_users":0}})");
  const StreamPosition zero;
  EXPECT_EQ(written([&](auto& out) {
              json().history(out, 1, {{}, zero});
            }),
            R"({"id":1,"history":{"publications":[],"epoch":"","offset":0}})");
  EXPECT_EQ(written([](auto& out) { json().push_join(out, {"c"}, {}); }),
            R"({"push":{"channel":"c","join":{"info":{"user":"","client":""}}}})");
}

TEST(JsonEncode, Presence) {
  const ClientInfo infos[] = {{"42", "c1", SharedBytes("{\"n\":1}"), SharedBytes("true")}};

  EXPECT_EQ(
      written([&](auto& out) { json().presence(out, 1, infos); }),
      R"({"id":1,"presence":{"presence":{"c1":{"user":"42","client":"c1","conn_info":{"n":1},"chan_info":true}}}})");
}

TEST(JsonEncode, History) {
  const std::vector<PublicationPtr> pubs = {publication(5, "E", "\"a\""), publication(6, "E", "null")};
  const StreamPosition at{6, "E"};

  EXPECT_EQ(
      written([&](auto& out) {
        json().history(out, 1, {pubs, at});
      }),
      R"({"id":1,"history":{"publications":[{"data":"a","offset":5},{"data":null,"offset":6}],"epoch":"E","offset":6}})");
}

TEST(JsonEncode, RpcAndRefresh) {
  EXPECT_EQ(written([](auto& out) { json().rpc(out, 5, "{\"x\":[]}"); }),
            R"({"id":5,"rpc":{"data":{"x":[]}}})");
  EXPECT_EQ(written([](auto& out) { json().refresh(out, 6, {30}); }),
            R"({"id":6,"refresh":{"expires":true,"ttl":30}})");
}

TEST(JsonEncode, PublicationWithInfo) {
  Publication pub;
  pub.offset = 8;
  pub.epoch = "E";
  pub.data = SharedBytes("{\"t\":\"hi\"}");
  pub.info = {"42", "7c1f", {}, {}};
  pub.has_info = true;

  EXPECT_EQ(
      written([&](auto& out) { json().push_publication(out, {"chat:1"}, pub, DeltaForm::kNone); }),
      R"({"push":{"channel":"chat:1","pub":{"data":{"t":"hi"},"info":{"user":"42","client":"7c1f"},"offset":8}}})");
}

TEST(JsonEncode, FirstPublicationTellsTheEpoch) {
  EXPECT_EQ(written([](auto& out) {
              json().push_publication(out, {"c"}, *publication(1, "E", "1"), DeltaForm::kNone);
            }),
            R"({"push":{"channel":"c","pub":{"data":1,"offset":1,"epoch":"E"}}})");
}

TEST(JsonEncode, PublicationWithoutHistory) {
  EXPECT_EQ(written([](auto& out) {
              json().push_publication(out, {"c"}, *publication(0, "", "1"), DeltaForm::kNone);
            }),
            R"({"push":{"channel":"c","pub":{"data":1}}})");
}

TEST(JsonEncode, LeaveAndUnsubscribe) {
  EXPECT_EQ(written([](auto& out) {
              json().push_leave(out, {"c"}, {"u", "s", {}, {}});
            }),
            R"({"push":{"channel":"c","leave":{"info":{"user":"u","client":"s"}}}})");
  EXPECT_EQ(written([](auto& out) { json().push_unsubscribe(out, {"c"}, 2000, "server unsubscribe"); }),
            R"({"push":{"channel":"c","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}})");
}

TEST(JsonEncode, MessagesOfAFrameAreLines) {
  std::string out;

  json().ping(out);
  json().publish(out, 4);
  json().ping(out);

  EXPECT_EQ(out, "{}\n{\"id\":4,\"publish\":{}}\n{}");
}

TEST(JsonEncode, TagsOfAPublication) {
  Publication pub;
  pub.data = SharedBytes("1");
  pub.tags = {{"a\"", "x"}, {"b", ""}};

  EXPECT_EQ(written([&](auto& out) { json().push_publication(out, {"c"}, pub, DeltaForm::kNone); }),
            R"({"push":{"channel":"c","pub":{"data":1,"tags":{"a\"":"x","b":""}}}})");
}

TEST(JsonEncode, DataOfADeltaSubscriptionIsText) {
  Publication pub;
  pub.offset = 2;
  pub.data = SharedBytes(R"({"a":"b"})");
  pub.patch = SharedBytes("9\n3:abc;");
  const std::string whole = R"({"push":{"channel":"c","pub":{"data":"{\"a\":\"b\"}","offset":2}}})";

  EXPECT_EQ(written([&](auto& out) { json().push_publication(out, {"c"}, pub, DeltaForm::kFull); }), whole);
  EXPECT_EQ(written([&](auto& out) { json().push_publication(out, {"c"}, pub, DeltaForm::kPatch); }),
            R"({"push":{"channel":"c","pub":{"data":"9\n3:abc;","offset":2,"delta":true}}})");
  pub.patch = {};
  EXPECT_EQ(written([&](auto& out) { json().push_publication(out, {"c"}, pub, DeltaForm::kPatch); }), whole);
  pub.patch = SharedBytes("9\n1:\xC3;");  // half a character
  EXPECT_EQ(written([&](auto& out) { json().push_publication(out, {"c"}, pub, DeltaForm::kPatch); }), whole);
}

TEST(JsonEncode, RecoveredPatchesNeedTheirBase) {
  std::vector<PublicationPtr> pubs;
  for (const uint64_t offset : {4u, 5u, 7u}) {
    auto pub = std::make_shared<Publication>(*publication(offset, "E", "1"));
    pub->patch = SharedBytes("p");
    pubs.push_back(std::move(pub));
  }

  EXPECT_EQ(written([&](auto& out) {
              json().subscribe(out, 1, {.position = {3, "E"}, .publications = pubs, .delta = true});
            }),
            R"({"id":1,"subscribe":{"epoch":"E","publications":[{"data":"1","offset":4},)"
            R"({"data":"p","offset":5,"delta":true},{"data":"1","offset":7}],"offset":3,"delta":true}})");
}

TEST(JsonEncode, SubscriptionThatExpires) {
  EXPECT_EQ(written([](auto& out) { json().subscribe(out, 1, {.ttl_seconds = 9, .id = 5}); }),
            R"({"id":1,"subscribe":{"expires":true,"ttl":9,"id":5}})");
}

TEST(JsonEncode, CompactionPutsTheNumberInPlaceOfTheName) {
  EXPECT_EQ(written([](auto& out) {
              json().push_join(out, {"c", 5}, {"u", "s", {}, {}});
            }),
            R"({"push":{"id":5,"join":{"info":{"user":"u","client":"s"}}}})");
}

TEST(JsonEncode, UnidirectionalPushesAreBare) {
  const Encoder& bare = encoder_of(Variant{.unidirectional = true});

  EXPECT_EQ(written([&](auto& out) { bare.connect(out, 7, {.client = "c", .session = "s", .time_ms = 9}); }),
            R"({"connect":{"client":"c","session":"s","time":9}})");
  EXPECT_EQ(written([&](auto& out) {
              bare.push_publication(out, {"c"}, *publication(2, "E", "1"), DeltaForm::kNone);
            }),
            R"({"channel":"c","pub":{"data":1,"offset":2}})");
  EXPECT_EQ(written([&](auto& out) { bare.push_disconnect(out, 3001, "shutdown"); }),
            R"({"disconnect":{"code":3001,"reason":"shutdown"}})");
  EXPECT_EQ(written([&](auto& out) { bare.ping(out); }), "{}");
}

TEST(JsonEncode, PushesOfTheServer) {
  EXPECT_EQ(written([](auto& out) {
              json().push_subscribe(out, "c", {.position = {4, "E"}, .recoverable = true, .recovered = true});
            }),
            R"({"push":{"channel":"c","subscribe":{"recoverable":true,"epoch":"E","offset":4}}})");
  EXPECT_EQ(written([](auto& out) { json().push_message(out, "[1]"); }),
            R"({"push":{"message":{"data":[1]}}})");
  EXPECT_EQ(written([](auto& out) { json().push_refresh(out, {60}); }),
            R"({"push":{"refresh":{"expires":true,"ttl":60}}})");
}

TEST(JsonEncode, ChannelNamesAreEscaped) {
  EXPECT_EQ(written([](auto& out) { json().push_unsubscribe(out, {"a\"\n"}, 2500, ""); }),
            R"({"push":{"channel":"a\"\n","unsubscribe":{"code":2500}}})");
}

}  // namespace
}  // namespace lcg::protocol
