// Untrusted params: types, limits, null, base64; and the table they are read by.
#include "gateway/api/params.h"

#include <set>

#include "gateway/api/test_api.h"

namespace lcg::gateway::api {
namespace {

struct Read {
  Params params;
  Refusal refusal;
};

Read read(std::string_view method, std::string_view json) {
  Read out;
  JsonReader reader(json, {.max_bytes = json.size(), .max_depth = kMaxJsonDepth});
  out.refusal = read_params(reader, method, find_method(method)->params, out.params);
  return out;
}

TEST(ApiParams, NullIsAbsent) {
  const Read got = read("history", R"({"channel":"a","limit":null,"since":null,"reverse":null})");

  EXPECT_FALSE(got.refusal);
  EXPECT_FALSE(got.params.since.has_value());
}

TEST(ApiParams, OfEqualKeysTheLastStands) {
  const Read got = read("broadcast", R"({"channels":["a","b"],"channels":["c"],"data":1})");

  EXPECT_EQ(got.params.channels, (std::vector<std::string>{"c"}));
}

TEST(ApiParams, AnEscapedKeyIsTheKey) {
  EXPECT_EQ(read("publish", "{\"\\u0063hannel\":\"\\u0061\",\"data\":1}").params.channel, "a");
}

TEST(ApiParams, AnotherTypeIsMalformed) {
  for (const auto& [method, json] : std::vector<std::pair<std::string, std::string>>{
           {"publish", R"({"channel":{}})"},
           {"publish", R"({"channel":"a","tags":[]})"},
           {"publish", R"({"channel":"a","tags":{"k":1}})"},
           {"publish", R"({"channel":"a","version":-1})"},
           {"publish", R"({"channel":"a","version":1.5})"},
           {"publish", R"({"channel":"a","version":"1"})"},
           {"publish", R"({"channel":"a","version":18446744073709551616})"},
           {"publish", R"({"channel":"a","delta":"true"})"},
           {"broadcast", R"({"channels":"a"})"},
           {"broadcast", R"({"channels":[null]})"},
           {"history", R"({"channel":"a","limit":2147483648})"},
           {"history", R"({"channel":"a","since":5})"},
           {"history", R"({"channel":"a","since":{"offset":-1}})"},
           {"disconnect", R"({"disconnect":{"code":"x"}})"},
           {"subscribe", R"({"channel":"a","override":{"presence":true}})"},
           {"subscribe", R"({"channel":"a","expire_at":1e3})"}}) {
    EXPECT_TRUE(read(method, json).refusal.malformed) << json;
  }
}

// Every number a method takes, at the edges of its type and of the others: read as it is or malformed.
TEST(ApiParams, NumbersAtTheEdgesOfTheirTypes) {
  struct Number {
    const char *method, *before, *after;
    std::string_view least, most, below, above;
  };
  constexpr std::string_view k32 = "2147483647", k64 = "9223372036854775807", kU64 = "18446744073709551615";
  for (const Number& n : std::vector<Number>{
           {"history", R"({"limit":)", "}", "-2147483648", k32, "-2147483649", "2147483648"},
           {"history", R"({"since":{"offset":)", "}}", "0", kU64, "-1", "18446744073709551616"},
           {"subscribe", R"({"recover_since":{"offset":)", "}}", "0", kU64, "-1", "18446744073709551616"},
           {"publish", R"({"version":)", "}", "0", kU64, "-1", "18446744073709551616"},
           {"subscribe", R"({"expire_at":)", "}", "-9223372036854775808", k64, "-9223372036854775809",
            "9223372036854775808"},
           {"refresh", R"({"expire_at":)", "}", "-9223372036854775808", k64, "-9223372036854775809",
            "9223372036854775808"},
           {"disconnect", R"({"disconnect":{"code":)", "}}", "0", "4294967295", "-1", "4294967296"}}) {
    const auto malformed = [&](std::string_view number) {
      return read(n.method, std::string(n.before).append(number).append(n.after)).refusal.malformed;
    };
    for (const std::string_view good : {n.least, n.most, std::string_view("0"), std::string_view("1")})
      EXPECT_FALSE(malformed(good)) << n.method << n.before << good;
    for (const std::string_view bad :
         {n.below, n.above, std::string_view("1.0"), std::string_view("1e3"), std::string_view("\"1\""),
          std::string_view("340282366920938463463374607431768211456")})
      EXPECT_TRUE(malformed(bad)) << n.method << n.before << bad;
  }
}

TEST(ApiParams, WhatIsTooLongIsNamedAndNotMalformed) {
  const std::string name(256, 'x');
  std::string tags = "{", longer = R"({"channel":"a","tags":{"k":")" + std::string(1025, 'v') + "\"}}";
  for (size_t i = 0; i <= kMaxTags; ++i) tags += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"\"";
  for (const auto& [method, json, text] : std::vector<std::array<std::string, 3>>{
           {"publish", R"({"channel":")" + name + "\"}", "channel: expected at most 255 bytes"},
           {"publish", R"({"channel":"a","tags":)" + tags + "}}", "tags: expected at most 64 tags"},
           {"publish", longer, "tags: expected at most 1024 bytes"},
           {"broadcast", R"({"channels":[")" + name + "\"]}", "channels: expected at most 255 bytes"},
           {"refresh", R"({"user":")" + name + "\"}", "user: expected at most 255 bytes"},
           {"disconnect", R"({"disconnect":{"reason":")" + std::string(124, 'r') + "\"}}",
            "disconnect: expected at most 123 bytes"}}) {
    const Read got = read(method, json);
    EXPECT_FALSE(got.refusal.malformed) << text;
    EXPECT_EQ(got.refusal.text, text);
  }
}

TEST(ApiParams, AsLongAsAllowed) {
  EXPECT_FALSE(read("presence", R"({"channel":")" + std::string(255, 'x') + "\"}").refusal);
}

TEST(ApiParams, ADeepPayloadIsRefusedAndNoStackIsUsedUp) {
  const std::string deep = R"({"channel":"a","data":)" + std::string(100'000, '[');

  EXPECT_EQ(read("publish", deep).refusal.text, "publish: data: nested too deep at byte 85");
}

TEST(ApiParams, WhatIsWrongInsideAPayloadOrATextIsOfThisCallAlone) {
  for (const auto& [json, text] : std::vector<std::pair<std::string, std::string>>{
           {R"({"channel":"a","data":{"x":"cut \ud83d"}})",
            "data: first half of a surrogate pair without the second"},
           {R"({"channel":"a\udc00","data":1})",
            "channel: second half of a surrogate pair without the first"},
           {"{\"channel\":\"a\",\"data\":\"\xff\"}", "data: not UTF-8"},
           {R"({"channel":"a","data":)" + std::string(70, '[') + std::string(70, ']') + "}",
            "data: nested too deep"},
       }) {
    const Read got = read("publish", json);

    EXPECT_FALSE(got.refusal.malformed) << json;
    EXPECT_EQ(got.refusal.text, text);
  }
}

TEST(ApiParams, EachMethodAndEachOfItsParamsIsThereOnce) {
  std::set<std::string_view> names;
  for (const Method& method : methods()) {
    EXPECT_TRUE(names.insert(method.name).second) << method.name;
    EXPECT_EQ(find_method(method.name), &method);
    std::set<std::string_view> fields;
    for (const Param& param : method.params) EXPECT_TRUE(fields.insert(param.field->name).second);
  }
  EXPECT_EQ(find_method("batch"), nullptr);
  EXPECT_EQ(find_method(""), nullptr);
}

TEST(ApiBase64, ReadsWhatItWrites) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(encode_base64(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
  EXPECT_EQ(encode_base64("foobar"), "Zm9vYmFy");  // RFC 4648 section 10
  EXPECT_EQ(encode_base64("foob"), "Zm9vYg==");
}

TEST(ApiBase64, TakesNothingElse) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "====", "Zg==Zg==", "Zm9v\n", "Zm-_", " Zg=", "Z==="})
    EXPECT_FALSE(decode_base64(text).has_value()) << text;
  EXPECT_EQ(decode_base64(""), "");
}

}  // namespace
}  // namespace lcg::gateway::api
