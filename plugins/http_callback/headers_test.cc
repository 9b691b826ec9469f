// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plugins/http_callback/base64.h"

namespace lcg::http_callback {
namespace {

using ::testing::ElementsAre;
constexpr std::string_view kType = "Content-Type: application/json";

BackEndSettings back_end() {
  BackEndSettings b;
  b.http_headers = {"cookie", "x-real"};
  b.static_headers = {{"x-app", "static"}, {"x-key", "secret"}};
  return b;
}

TEST(Headers, OnlyAllowedOnesAreForwarded) {
  EXPECT_THAT(callback_headers(back_end(), R"({"cookie":"a=b","x-other":"1"})"),
              ElementsAre(kType, "x-app: static", "x-key: secret", "cookie: a=b"));
}

TEST(Headers, TheClientsTakesThePlaceOfAStaticOne) {
  BackEndSettings b = back_end();
  b.http_headers.push_back("x-app");
  EXPECT_THAT(callback_headers(b, R"({"x-app":"mine"})"), ElementsAre(kType, "x-app: mine", "x-key: secret"));
}

TEST(Headers, LineBreaksAndControlsAreRefused) {
  for (const char* json :
       {R"({"cookie":"a\r\nX-Admin: 1"})", R"({"cookie":"a\nb"})", R"({"cookie":"a\u0000b"})",
        R"({"cookie":"a\u007f"})", R"({"cookie":7})", R"(nonsense)", R"([])"})
    EXPECT_THAT(callback_headers(back_end(), json), ElementsAre(kType, "x-app: static", "x-key: secret"))
        << json;
}

TEST(Headers, AHugeValueIsLeftOut) {
  const std::string json = R"({"cookie":")" + std::string(kMaxHeaderBytes + 1, 'a') + R"("})";
  EXPECT_THAT(callback_headers(back_end(), json), ElementsAre(kType, "x-app: static", "x-key: secret"));
}

TEST(Headers, NamesAreTokens) {
  EXPECT_TRUE(is_header_name("X-Request_Id.2"));
  for (const char* name : {"", "a b", "a:b", "a\r\n", "a/b", "\xc3\xa9"})
    EXPECT_FALSE(is_header_name(name)) << name;
}

TEST(Headers, ThoseThatFrameTheRequestAreOurs) {
  EXPECT_TRUE(is_our_header("Content-Length"));
  EXPECT_TRUE(is_our_header("transfer-encoding"));
  EXPECT_FALSE(is_our_header("authorization"));
}

TEST(Base64, TheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> kVectors[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : kVectors) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text).value_or("?"), bytes);
  }
}

TEST(Base64, WhatIsNotIsRefused) {
  for (const char* text : {"Zg", "Zg=", "Z===", "====", "Zm9v\n", "Zm-_", "Zg==Zg=="})
    EXPECT_FALSE(from_base64(text)) << text;
}

}  // namespace
}  // namespace lcg::http_callback
