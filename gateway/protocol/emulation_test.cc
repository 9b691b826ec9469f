#include <gtest/gtest.h>

#include "gateway/protocol/codec.h"

namespace lcg::protocol {
namespace {

TEST(EmulationJson, ThreeTexts) {
  std::string scratch;
  const auto request = parse_emulation(
      Encoding::kJson, R"({"session":"s1","node":"n1","data":"{\"id\":2,\"rpc\":{}}\n{}"})", scratch);

  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->session, "s1");
  EXPECT_EQ(request->node, "n1");
  EXPECT_EQ(request->data, "{\"id\":2,\"rpc\":{}}\n{}");
}

TEST(EmulationJson, EscapedTextsBothStay) {
  std::string scratch;
  const auto request =
      parse_emulation(Encoding::kJson, R"({"session":"\u0073\n","node":"\"n\"","data":""})", scratch);

  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->session, "s\n");
  EXPECT_EQ(request->node, "\"n\"");
}

TEST(EmulationJson, NullAndUnknownAreAbsent) {
  std::string scratch;
  const auto request =
      parse_emulation(Encoding::kJson, R"({"session":null,"data":null,"more":[1]})", scratch);

  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->session, "");
  EXPECT_EQ(request->data, "");
}

TEST(EmulationJson, Malformed) {
  std::string scratch;
  for (const char* body : {"", "[]", "{", R"({"session":1})", R"({"data":{}})", R"({"node":[]})", R"({} x)",
                           "{\"data\":\"\xff\"}", R"({"data":"\ud800"})"}) {
    EXPECT_FALSE(parse_emulation(Encoding::kJson, body, scratch).has_value()) << body;
  }
}

TEST(EmulationProtobuf, ThreeFields) {
  std::string scratch;
  const auto request = parse_emulation(Encoding::kProtobuf,
                                       std::string_view("\x0A\x01n\x12\x02s1\x1A\x02\x00\xFF", 11), scratch);

  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->node, "n");
  EXPECT_EQ(request->session, "s1");
  EXPECT_EQ(request->data, std::string_view("\x00\xFF", 2));
}

TEST(EmulationProtobuf, NothingIsAllEmpty) {
  std::string scratch;

  EXPECT_TRUE(parse_emulation(Encoding::kProtobuf, "", scratch).has_value());
}

TEST(EmulationProtobuf, Malformed) {
  std::string scratch;
  for (const std::string_view body :
       {std::string_view("\x0A\x02n", 3), std::string_view("\x0A", 1), std::string_view("\x0A\x01\xFF", 3),
        std::string_view("\x08\x01", 2), std::string_view("\x1B\x1C", 2)}) {
    EXPECT_FALSE(parse_emulation(Encoding::kProtobuf, body, scratch).has_value());
  }
}

}  // namespace
}  // namespace lcg::protocol
