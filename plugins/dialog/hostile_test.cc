// SPDX-License-Identifier: Apache-2.0
// Bad input: each line has its code, and after all of it the chat works as before.
#include <gmock/gmock.h>

#include "lcg/visible.hpp"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

struct Bad {
  const char* method;
  std::string json;
  uint32_t code;
};

std::string long_text(size_t size) { return "\"" + std::string(size, 'x') + "\""; }
std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string decomposed(int letters) {
  std::string out;
  for (int i = 0; i < letters; ++i) out += "e\u0301";
  return out;
}

std::vector<Bad> bad_requests() {
  return {
      {"message.send", "", 107},
      {"message.send", "null", 107},
      {"message.send", "[]", 107},
      {"message.send", "{", 107},
      {"message.send", R"({"dialog":"d","body":1)", 107},
      {"message.send", R"({"dialog":"d","body":1}})", 107},
      {"message.send", R"({"dialog":"d","dialog":"d","body":1})", 107},
      {"message.send", R"({"dialog":"d"})", 107},
      {"message.send", R"({"body":1})", 107},
      {"message.send", R"({"dialog":7,"body":1})", 107},
      {"message.send", R"({"dialog":"","body":1})", 107},
      {"message.send", R"({"dialog":"a b","body":1})", 107},
      {"message.send", R"({"dialog":"a:b","body":1})", 107},
      {"message.send", R"({"dialog":"@3","body":1})", 107},
      {"message.send", R"({"dialog":"a\u0000b","body":1})", 107},
      {"message.send", R"({"dialog":)" + long_text(65) + R"(,"body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":0,"body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":-1,"body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":1.5,"body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":99999999999999999999,"body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":"x","body":1})", 107},
      {"message.send", R"({"dialog":"d","cseq":{},"body":1})", 107},
      {"message.send", R"({"dialog":"d","window":0,"cseq":1,"body":1})", 107},
      {"message.send", R"({"dialog":"d","window":9,"cseq":1,"body":1})", 107},
      {"message.send", R"({"dialog":"d","type":"","body":1})", 107},
      {"message.send", R"({"dialog":"d","type":"a\nb","body":1})", 107},
      {"message.send", R"({"dialog":"d","type":)" + long_text(33) + R"(,"body":1})", 107},
      {"message.send", R"({"dialog":"d","body":01})", 107},
      {"message.send", R"({"dialog":"d","body":"\x"})", 107},
      {"message.send", "{\"dialog\":\"d\",\"body\":\"\xff\"}", 107},
      {"message.send", "{\"dialog\":\"d\",\"body\":\"\xed\xa0\x80\"}", 107},
      {"message.send", "{\"dialog\":\"d\",\"body\":\"\xc0\x80\"}", 107},
      {"message.send", R"({"dialog":"d","body":)" + nested(100) + "}", 107},
      {"message.send", R"({"dialog":"d","body":)" + nested(1'000'000) + "}", 107},
      {"message.send", R"({"dialog":"d","body":)" + long_text(70'000) + "}", chat::code::kTooLarge},
      {"message.send", R"({"dialog":"none","body":1})", 103},
      {"message.get", "{}", 107},
      {"message.get", R"({"id":"x"})", 107},
      {"message.get", R"({"id":0})", 107},
      {"message.get", R"({"id":"1"})", 103},
      {"message.get", R"({"id":"9223372036854775807"})", 103},
      {"message.get", R"({"id":"9223372036854775808"})", 107},
      {"message.edit", R"({"id":"4096","body":1})", 103},
      {"message.recall", R"({"id":"9223372036854775807"})", 103},
      {"message.recall", R"({"id":[]})", 107},
      {"message.void", R"({"dialog":"d"})", 107},
      {"message.void", R"({"dialog":"d","cseq":7})", chat::code::kResendFrom},
      {"dialog.create", R"({"id":"a/b"})", 107},
      {"dialog.create", R"({"id":"dm-x"})", 107},
      {"dialog.create", R"({"kind":"channel"})", 107},
      {"dialog.create", R"({"kind":"direct"})", 107},
      {"dialog.create", R"({"kind":"direct","members":["ann"]})", 107},
      {"dialog.create", R"({"kind":"direct","members":["b","c"]})", 107},
      {"dialog.create", R"({"members":"bob"})", 107},
      {"dialog.create", R"({"members":[1]})", 107},
      {"dialog.create", R"({"members":["a\u0000b"]})", 107},
      {"dialog.create", R"({"members":["\ud800"]})", 107},
      {"dialog.create", R"({"title":)" + long_text(300) + "}", 107},
      {"dialog.create", R"({"history":"some"})", 107},
      {"dialog.create", R"({"open":1})", 107},
      {"dialog.create", R"({"id":"t","title":")" + decomposed(86) + "\"}", 107},  // 258 bytes, normalised 172
      {"dialog.join", "{}", 107},
      {"dialog.add", R"({"dialog":"d"})", 107},
      {"dialog.add", R"({"dialog":"d","users":[""]})", 107},
      {"dialog.role", R"({"dialog":"d","user":"bob","role":"king"})", 107},
      {"dialog.role", R"({"dialog":"d","user":"bob"})", 107},
      {"dialog.mute", R"({"dialog":"d","user":"bob","until":"soon"})", 107},
      {"dialog.mute", R"({"dialog":"d","user":"bob"})", 107},  // no end of a mute is guessed
      {"dialog.quiet", R"({"dialog":"d"})", 107},
      {"dialog.history", R"({"dialog":"d","from":-1})", 107},
      {"dialog.history", R"({"dialog":"d","from":1,"before":2})", 107},
      {"dialog.history", R"({"dialog":"d","from":18446744073709551615})", 107},
      {"dialog.read", R"({"dialog":"d"})", 107},
      {"dialog.ack", R"({"dialog":"d"})", 107},
      {"dialog.sync", R"({"since":"yesterday"})", 107},
      {"dialog.list", R"({"limit":-5})", 107},
      {"dialog.members", R"({"dialog":"d","after":)" + long_text(300) + "}", 107},
  };
}

TEST(HostileInput, IsRefusedWithItsCodeAndChangesNothing) {
  ChatRig rig;
  rig.group("d", {"ann", "bob"});
  rig.settle();
  const uint64_t commits = rig.host().storage().commits();

  for (const Bad& bad : bad_requests()) {
    const Reply reply = rig.ask(peer("ann"), bad.method, bad.json);
    EXPECT_EQ(reply.error_code, bad.code)
        << bad.method << " " << bad.json.substr(0, 80) << ": " << reply.message;
    EXPECT_FALSE(reply.ok()) << bad.method << " " << bad.json.substr(0, 80);
    EXPECT_LE(reply.message.size(), 123u);
  }

  EXPECT_LE(rig.host().storage().commits(), commits + 1);  // the dialog may have been listed as active
  EXPECT_EQ(rig.log("d").size(), 1u);
  EXPECT_TRUE(rig.send(peer("ann"), "d", 1).ok());
  EXPECT_EQ(rig.host().open_requests(), 0u);
}

TEST(HostileInput, NobodyWithoutANameIsServed) {
  ChatRig rig;
  rig.group("d", {"ann"});
  for (const std::string& user : {std::string(), std::string("a\0b", 3), std::string(256, 'u')}) {
    EXPECT_EQ(rig.ask(peer(user), "message.send", R"({"dialog":"d","body":1})").error_code, 103u);
    EXPECT_EQ(rig.ask(peer(user), "dialog.list", "{}").error_code, 103u);
  }
}

TEST(HostileInput, UnknownMethodIsLeftToTheNextPlugin) {
  ChatRig rig;
  EXPECT_EQ(rig.host().ask("dialog", rpc("dialog.nonsense", "{}", peer("ann"))).status, LCG_DEFER);
  EXPECT_EQ(rig.host().ask("message", rpc("message.nonsense", "{}", peer("ann"))).status, LCG_DEFER);
}

TEST(HostileInput, MalformedServiceCallsAreRefused) {
  ChatRig rig;
  rig.group("d", {"ann"});
  for (const char* method :
       {"try", "confirm", "cancel", "resolve", "void", "access", "head", "project", "rpc", "explain"})
    for (const std::string& data :
         {std::string(), std::string("\x01"), std::string("\x01\xff\xff\xff"), std::string(100, '\xff')})
      EXPECT_FALSE(rig.host().call({"dialog", method, "d", data}).ok()) << method;
  for (const char* method : {"send", "get", "bodies", "explain", "void"})
    for (const std::string& data : {std::string(), std::string("\x01\xff"), std::string(100, '\xff')})
      EXPECT_FALSE(rig.host().call({"message", method, "d", data}).ok()) << method;
  for (const char* method : {"subscribe", "publish", "history", "nonsense"})
    EXPECT_FALSE(rig.host().call({"channel:dialog", method, "d", "\xff"}).ok()) << method;
}

// Who may log in may be added, and nobody else: the broker's rule of ids, not that of shown names.
TEST(Ids, AreOfTheBrokersRuleAndNotOfTheOneOfShownNames) {
  ChatRig rig;
  rig.ask(peer("ann"), "dialog.create", R"({"id":"d"})");
  const auto added = [&](const std::string& user) {
    return rig.ask(peer("ann"), "dialog.add", R"({"dialog":"d","users":[")" + user + R"("]})").error_code;
  };
  for (const char* user :
       {"\u1112\u1161\u11ab", "Zoe\u0308", "\U0001f600", "\u1c89" /* of Unicode 16 */, "a\u3000b"}) {
    EXPECT_TRUE(all_visible(user));
    EXPECT_EQ(added(user), 0u) << user;
  }
  for (const char* user :
       {"\u0915\u094d\u200d\u0937", "\U0001f468\u200d\U0001f469", "\u2764\ufe0f", "a\u202e"}) {
    EXPECT_FALSE(all_visible(user));
    EXPECT_EQ(added(user), 107u) << user;
  }
}

}  // namespace
}  // namespace lcg::dialog::testing
