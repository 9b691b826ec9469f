// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/contract.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::http_callback {
namespace {

using ::testing::ElementsAre;

Request request(uint32_t kind) {
  Request r;
  r.kind = kind;
  r.session_id = "s1";
  r.user_id = "ann";
  r.transport = "websocket";
  r.protocol = "json";
  r.name = "chat:a";
  r.data = R"({"x":1})";
  r.meta = R"({"m":2})";
  r.credential = "tok";
  r.client_name = "js";
  r.client_version = "5";
  r.channels = R"(["a"])";
  return r;
}

HttpResult answer(std::string body, long status = 200) {
  HttpResult out;
  out.status = status;
  out.body = std::move(body);
  return out;
}

Verdict judge(uint32_t kind, std::string body, bool server_refresh = false) {
  return verdict_of(kind, {}, answer(std::move(body)), server_refresh);
}

std::string common(std::string_view callback) {
  return R"({"client":"s1","transport":"websocket","protocol":"json","encoding":"json","callback":")" +
         std::string(callback) + "\",";
}

TEST(CallbackBody, Connect) {
  EXPECT_EQ(callback_body(request(LCG_REQ_CONNECT), {}),
            common("connect") + R"("data":{"x":1},"name":"js","version":"5","channels":["a"]})");
}

TEST(CallbackBody, Refresh) {
  EXPECT_EQ(callback_body(request(LCG_REQ_REFRESH), {}), common("refresh") + R"("user":"ann"})");
}

TEST(CallbackBody, Subscribe) {
  EXPECT_EQ(callback_body(request(LCG_REQ_SUBSCRIBE), {}),
            common("subscribe") + R"("user":"ann","channel":"chat:a","token":"tok","data":{"x":1}})");
}

TEST(CallbackBody, PublishSubRefreshAndRpc) {
  EXPECT_EQ(callback_body(request(LCG_REQ_PUBLISH), {}),
            common("publish") + R"("user":"ann","channel":"chat:a","data":{"x":1}})");
  EXPECT_EQ(callback_body(request(LCG_REQ_SUB_REFRESH), {}),
            common("sub_refresh") + R"("user":"ann","channel":"chat:a"})");
  EXPECT_EQ(callback_body(request(LCG_REQ_RPC), {}),
            common("rpc") + R"("user":"ann","method":"chat:a","data":{"x":1}})");
}

TEST(CallbackBody, MetaIsToldOnlyWhenAsked) {
  BackEndSettings with_meta;
  with_meta.include_connection_meta = true;
  EXPECT_EQ(callback_body(request(LCG_REQ_SUB_REFRESH), with_meta),
            common("sub_refresh") + R"("user":"ann","channel":"chat:a","meta":{"m":2}})");
}

TEST(CallbackBody, BinaryEncodingTakesAnyBytes) {
  BackEndSettings binary;
  binary.binary_encoding = true;
  Request r = request(LCG_REQ_RPC);
  r.data = std::string("\0\xff", 2);
  EXPECT_EQ(
      callback_body(r, binary),
      R"({"client":"s1","transport":"websocket","protocol":"json","encoding":"binary","callback":"rpc","user":"ann",)"
      R"("method":"chat:a","b64data":"AP8="})");
  EXPECT_FALSE(callback_body(r, {}));
}

TEST(Verdict, ConnectResult) {
  const Verdict v = judge(LCG_REQ_CONNECT,
                          R"({"result":{"user":"ann","expire_at":1700000000,"info":{"a":1},"data":{"d":2},)"
                          R"("channels":["x","y"],"subs":{"z":{"expire_at":5}},"meta":{"k":1},"caps":[]}})");
  EXPECT_EQ(v.fault, "");
  EXPECT_EQ(v.reply.status, LCG_OK);
  EXPECT_EQ(v.reply.user_id, "ann");
  EXPECT_EQ(v.reply.expire_at_ms, 1'700'000'000'000);
  EXPECT_EQ(v.reply.info, R"({"a":1})");
  EXPECT_EQ(v.reply.data, R"({"d":2})");
  EXPECT_THAT(v.reply.channels, ElementsAre("x", "y"));
  EXPECT_EQ(v.reply.options, R"({"subs":{"z":{"expire_at":5}}})");
  EXPECT_EQ(v.reply.meta, R"({"k":1})");
  EXPECT_EQ(v.reply.flags, uint64_t{LCG_RESULT_GRANT});
}

TEST(Verdict, ARefreshBackEndMakesTheServerRefresh) {
  EXPECT_EQ(judge(LCG_REQ_CONNECT, R"({"result":{"user":"a","expire_at":1700000000}})", true).reply.flags,
            uint64_t{LCG_RESULT_SERVER_REFRESH} | LCG_RESULT_GRANT);
  EXPECT_EQ(judge(LCG_REQ_CONNECT, R"({"result":{"user":"a"}})", true).reply.flags,
            uint64_t{LCG_RESULT_GRANT});
}

TEST(Verdict, ConnectWithoutResultIsNobody) {
  for (const char* body : {"{}", R"({"result":null})"})
    EXPECT_EQ(judge(LCG_REQ_CONNECT, body).reply.status, LCG_DEFER) << body;
}

TEST(Verdict, RefreshWithoutResultHasExpired) {
  for (const uint32_t kind : {LCG_REQ_REFRESH, LCG_REQ_SUB_REFRESH}) {
    EXPECT_EQ(judge(kind, "{}").reply.flags, uint64_t{LCG_RESULT_EXPIRED});
    EXPECT_EQ(judge(kind, R"({"result":{"expired":true}})").reply.flags, uint64_t{LCG_RESULT_EXPIRED});
    EXPECT_EQ(judge(kind, R"({"result":{"expire_at":9,"info":1}})").reply.expire_at_ms, 9000);
  }
}

TEST(Verdict, SubscribeResult) {
  const Verdict v =
      judge(LCG_REQ_SUBSCRIBE, R"({"result":{"info":{"a":1},"b64data":"eyJkIjoyfQ==","expire_at":7,)"
                               R"("override":{"presence":{"value":true}}}})");
  EXPECT_EQ(v.reply.status, LCG_OK);
  EXPECT_EQ(v.reply.info, R"({"a":1})");
  EXPECT_EQ(v.reply.data, R"({"d":2})");
  EXPECT_EQ(v.reply.expire_at_ms, 7000);
  EXPECT_EQ(v.reply.options, R"({"override":{"presence":{"value":true}}})");
}

TEST(Verdict, PublishResult) {
  const Verdict v =
      judge(LCG_REQ_PUBLISH,
            R"({"result":{"data":{"new":1},"skip_history":true,"tags":{"a":"b"},"idempotency_key":"k",)"
            R"("delta":true,"version":3,"version_epoch":"e"}})");
  EXPECT_EQ(v.reply.data, R"({"new":1})");
  EXPECT_EQ(
      v.reply.options,
      R"({"skip_history":true,"tags":{"a":"b"},"idempotency_key":"k","delta":true,"version":3,"version_epoch":"e"})");
  EXPECT_EQ(judge(LCG_REQ_PUBLISH, "{}").reply.status, LCG_OK);
}

TEST(Verdict, RpcResult) {
  EXPECT_EQ(judge(LCG_REQ_RPC, R"({"result":{"data":[1,2]}})").reply.data, "[1,2]");
  EXPECT_EQ(judge(LCG_REQ_RPC, R"({"result":{"b64data":"AP8="}})").reply.data, std::string("\0\xff", 2));
}

TEST(Verdict, DisconnectGoesBeforeErrorGoesBeforeResult) {
  const Verdict closed =
      judge(LCG_REQ_RPC,
            R"({"result":{"data":1},"error":{"code":1000},"disconnect":{"code":4501,"reason":"out"}})");
  EXPECT_EQ(closed.reply.disconnect_code, 4501u);
  EXPECT_EQ(closed.reply.message, "out");
  const Verdict failed =
      judge(LCG_REQ_RPC, R"({"result":{},"error":{"code":1000,"message":"no","temporary":true}})");
  EXPECT_EQ(failed.reply.error_code, 1000u);
  EXPECT_EQ(failed.reply.message, "no");
  EXPECT_EQ(failed.reply.flags, uint64_t{LCG_RESULT_TEMPORARY});
  EXPECT_EQ(failed.reply.disconnect_code, 0u);
}

TEST(Verdict, ADisconnectCodeThatIsNoneIsAForcedOne) {
  EXPECT_EQ(judge(LCG_REQ_RPC, R"({"disconnect":{"code":17}})").reply.disconnect_code,
            code::kForceDisconnect);
}

TEST(Verdict, LiesAreError100) {
  for (const char* body : {"",
                           "nonsense",
                           "[]",
                           "7",
                           "\"x\"",
                           "{",
                           R"({"result":[]})",
                           R"({"result":7})",
                           R"({"error":"no"})",
                           R"({"error":{}})",
                           R"({"error":{"code":-1}})",
                           R"({"error":{"code":"x"}})",
                           R"({"error":{"code":99999999999}})",
                           R"({"disconnect":{"reason":"x"}})",
                           R"({"result":{"user":7}})",
                           R"({"result":{"expire_at":"soon"}})",
                           R"({"result":{"expire_at":-5}})",
                           R"({"result":{"expire_at":18446744073709551615}})",
                           R"({"result":{"channels":"a"}})",
                           R"({"result":{"channels":[1]}})",
                           R"({"result":{"subs":[]}})",
                           R"({"result":{"b64info":"!!"}})",
                           R"({"result":{"b64info":"AP8="}})",
                           R"({"result":{"user":"a","user":"b"}})",
                           R"({"result":{},"result":{}})",
                           "{\"result\":{\"user\":\"\xff\"}}"}) {
    const Verdict v = judge(LCG_REQ_CONNECT, body);
    EXPECT_EQ(v.reply.error_code, code::kInternal) << body;
    EXPECT_NE(v.fault, "") << body;
    EXPECT_EQ(v.reply.flags, uint64_t{LCG_RESULT_TEMPORARY}) << body;
  }
}

TEST(Verdict, OnlyStatus200IsSuccess) {
  for (const long status : {201L, 204L, 301L, 307L, 400L, 401L, 404L, 500L, 503L}) {
    const Verdict v = verdict_of(LCG_REQ_RPC, {}, answer(R"({"result":{"data":1}})", status), false);
    EXPECT_EQ(v.reply.error_code, code::kInternal) << status;
  }
}

TEST(Verdict, StatusTransforms) {
  BackEndSettings b;
  b.transforms = {{404, 1404, true, 0, "gone"}, {401, 0, false, 4501, "who"}};
  const Verdict failed = verdict_of(LCG_REQ_RPC, b, answer("", 404), false);
  EXPECT_EQ(failed.reply.error_code, 1404u);
  EXPECT_EQ(failed.reply.message, "gone");
  EXPECT_EQ(failed.reply.flags, uint64_t{LCG_RESULT_TEMPORARY});
  EXPECT_EQ(verdict_of(LCG_REQ_RPC, b, answer("", 401), false).reply.disconnect_code, 4501u);
}

TEST(Verdict, AFailedRequestIsError100) {
  HttpResult result;
  result.error = HttpResult::Error::kTimeout;
  result.what = "too slow";
  const Verdict v = verdict_of(LCG_REQ_REFRESH, {}, result, false);
  EXPECT_EQ(v.reply.error_code, code::kInternal);
  EXPECT_EQ(v.fault, "too slow");
}

}  // namespace
}  // namespace lcg::http_callback
