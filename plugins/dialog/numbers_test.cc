// SPDX-License-Identifier: Apache-2.0
// Numbers at the edge, in every numeric field of every method: each is refused or has a meaning, and nothing a
// client names is kept beyond what exists.
#include <gmock/gmock.h>

#include <set>

#include "plugins/dialog/inbox.h"
#include "plugins/dialog/settings.h"
#include "plugins/dialog/testing/chat_rig.h"

namespace lcg::dialog::testing {
namespace {

struct Field {
  const char* method;
  const char* name;
  const char* others;  // members besides
  bool id = false;     // 63 bits instead of 53
};

constexpr Field kFields[] = {
    {"message.send", "cseq", R"("dialog":"d","body":1)"},
    {"message.send", "window", R"("dialog":"d","body":1,"cseq":1)"},
    {"message.send", "useq", R"("dialog":"d","body":1)"},
    {"message.send", "epoch", R"("dialog":"d","body":1,"cseq":1)"},
    {"message.get", "id", R"("x":1)", true},
    {"message.edit", "id", R"("body":1)", true},
    {"message.edit", "cseq", R"("id":"4096","body":1)"},
    {"message.recall", "id", R"("x":1)", true},
    {"message.recall", "useq", R"("id":"4096")"},
    {"message.react", "id", R"("body":1)", true},
    {"message.react", "window", R"("id":"4096","body":1)"},
    {"message.void", "cseq", R"("dialog":"d")"},
    {"message.void", "epoch", R"("dialog":"d","cseq":1)"},
    {"dialog.history", "from", R"("dialog":"d")"},
    {"dialog.history", "before", R"("dialog":"d")"},
    {"dialog.history", "limit", R"("dialog":"d")"},
    {"dialog.pull", "from", R"("dialog":"d")"},
    {"dialog.members", "limit", R"("dialog":"d")"},
    {"dialog.members", "seen", R"("dialog":"d")"},
    {"dialog.quiet", "until", R"("dialog":"d")"},
    {"dialog.mute", "until", R"("dialog":"d","user":"bob")"},
    {"dialog.list", "before", R"("x":1)"},
    {"dialog.list", "limit", R"("x":1)"},
    {"dialog.sync", "since", R"("x":1)"},
    {"dialog.read", "seq", R"("dialog":"d")"},
    {"dialog.ack", "seq", R"("dialog":"d")"},
    {"dialog.checkpoint", "seq", R"("dialog":"d")"},
    {"dialog.checkpoints", "limit", R"("x":1)"},
};

// Never numbers that are taken.
constexpr const char* kNever[] = {"-1",
                                  "-9223372036854775808",
                                  "1.5",
                                  "1e3",
                                  "18446744073709551616",
                                  "\"x\"",
                                  "\"-1\"",
                                  "\"\"",
                                  "\"1.5\"",
                                  "true",
                                  "[]",
                                  "{}",
                                  "[1]"};
constexpr const char* kAbove53[] = {"9007199254740992", "9223372036854775808", "18446744073709551615",
                                    "\"18446744073709551615\""};
constexpr const char* kMaybe[] = {"0",    "1", "2", "3", "2147483648", "4294967295", "9007199254740991",
                                  "\"1\""};

class NumbersTest : public ::testing::Test {
 protected:
  NumbersTest() {
    rig_.group("d", {"ann", "bob"});
    rig_.settle();
  }
  Reply ask(const Field& f, const char* value) {
    rig_.host().advance(1'000);  // pulls are paid for
    return rig_.ask(ann_, f.method, std::string("{") + f.others + ",\"" + f.name + "\":" + value + "}");
  }
  ChatRig rig_;
  const Peer ann_ = peer("ann");
};

TEST_F(NumbersTest, WhatIsNoNumberIsRefusedEverywhere) {
  for (const Field& f : kFields)
    for (const char* value : kNever)
      EXPECT_EQ(ask(f, value).error_code, 107u) << f.method << " " << f.name << " " << value;
}

TEST_F(NumbersTest, WhatNotEveryClientCanWriteIsRefusedEverywhere) {
  for (const Field& f : kFields)
    for (const char* value : kAbove53) {
      if (f.id && std::string_view(value) == "9007199254740992") continue;
      EXPECT_EQ(ask(f, value).error_code, 107u) << f.method << " " << f.name << " " << value;
    }
}

TEST_F(NumbersTest, TheRestIsServedOrRefusedAndLeavesNothingBeyondWhatExists) {
  const std::set<uint32_t> refusals = {0, 103, 107, 1001, 1002, 1003, 1004, 1005, 1006};
  for (const Field& f : kFields)
    for (const char* value : kMaybe) {
      const Reply reply = ask(f, value);
      EXPECT_TRUE(refusals.contains(reply.error_code))
          << f.method << " " << f.name << " " << value << ": " << reply.message;
      EXPECT_EQ(reply.ok(), reply.error_code == 0) << f.method << " " << f.name << " " << value;
    }

  rig_.settle();
  const uint64_t head = number(rig_.ask(ann_, "dialog.get", R"({"dialog":"d"})"), "head");
  const uint64_t far_ms = static_cast<uint64_t>(rig_.host().wall_ms() + kMaxMuteMs);
  for (const storage::Row& row : rig_.host().storage().rows("ann", kCheckpointDocs))
    EXPECT_LE(storage::u64_of_key(row.value), head);
  EXPECT_LE(number(rig_.ask(ann_, "dialog.read", R"({"dialog":"d","seq":0})"), "read"), head);
  for (const storage::Row& row : rig_.host().storage().rows("d", kMemberDocs)) {
    Member member;
    ASSERT_TRUE(decode(row.value, member));
    EXPECT_LE(static_cast<uint64_t>(member.muted_until_ms), far_ms);
    EXPECT_LE(member.last_useq, head);
    EXPECT_LE(member.read, head);
  }
  for (const Entry& entry : rig_.log("d")) EXPECT_LE(entry.cseq, head) << entry.dseq;
  EXPECT_SOUND(rig_);
}

TEST_F(NumbersTest, ACheckpointStopsAtTheHead) {
  const Reply reply = rig_.ask(ann_, "dialog.checkpoint", R"({"dialog":"d","seq":9007199254740991})");

  EXPECT_EQ(reply.data, R"({"seq":1})");
  rig_.send(ann_, "d", 1);  // before the list knows
  EXPECT_EQ(rig_.ask(ann_, "dialog.ack", R"({"dialog":"d","seq":2})").data, R"({"seq":2})");
}

TEST_F(NumbersTest, AFormerMembersCheckpointStopsWhereTheMembershipDid) {
  rig_.ask(peer("bob"), "dialog.leave", R"({"dialog":"d"})");
  rig_.settle();
  rig_.send(ann_, "d", 1);
  rig_.settle();

  EXPECT_EQ(rig_.ask(peer("bob"), "dialog.ack", R"({"dialog":"d","seq":9})").data, R"({"seq":2})");
}

// A retry after a reconnect would be another message: it is refused, not stored twice.
TEST_F(NumbersTest, AConnectionWithoutADeviceCannotNumber) {
  Peer tab = peer("ann", "tab");
  tab.flags |= LCG_PEER_EPHEMERAL_DEVICE;

  for (const auto& [method, request] : std::vector<std::pair<std::string, std::string>>{
           {"message.send", R"({"dialog":"d","cseq":1,"body":1})"},
           {"message.void", R"({"dialog":"d","cseq":1})"},
           {"message.edit", R"({"id":"1","cseq":1,"body":1})"},
           {"message.recall", R"({"id":"1","cseq":1})"},
           {"message.react", R"({"id":"1","cseq":1,"body":1})"}}) {
    const Reply reply = rig_.ask(tab, method, request);
    EXPECT_EQ(reply.error_code, chat::code::kBadRequest) << method;
    EXPECT_THAT(reply.message, ::testing::HasSubstr("lcg-device")) << method;
  }
  EXPECT_EQ(rig_.log("d").size(), 1u);
}

// It would be kept under a name that no other connection has.
TEST_F(NumbersTest, AConnectionWithoutADeviceHasNoCheckpoints) {
  Peer tab = peer("ann", "tab"), http = peer("ann", "");
  tab.flags |= LCG_PEER_EPHEMERAL_DEVICE;
  http.flags |= LCG_PEER_HTTP;

  for (const Peer& who : {tab, http})
    for (const char* method : {"dialog.ack", "dialog.checkpoint", "dialog.checkpoints"}) {
      const Reply reply = rig_.ask(who, method, R"({"dialog":"d","seq":1})");
      EXPECT_EQ(reply.error_code, chat::code::kBadRequest) << method;
      EXPECT_THAT(reply.message, ::testing::HasSubstr("lcg-device")) << method;
    }
  EXPECT_TRUE(rig_.host().storage().partitions(kCheckpointDocs).empty());
}

TEST_F(NumbersTest, AMuteEndsOnlyWhenThatIsSaid) {
  const auto mute = [&](const std::string& until) {
    return rig_.ask(ann_, "dialog.mute", R"({"dialog":"d","user":"bob")" + until + "}");
  };
  mute(",\"until\":9000000000000");

  const Reply unsaid = mute("");

  EXPECT_EQ(unsaid.error_code, chat::code::kBadRequest);
  EXPECT_THAT(unsaid.message, ::testing::HasSubstr("until"));
  EXPECT_EQ(rig_.send(peer("bob"), "d", 1).error_code, chat::code::kMuted);
  EXPECT_TRUE(mute(",\"until\":0").ok());
  EXPECT_TRUE(rig_.send(peer("bob"), "d", 1).ok());
}

TEST_F(NumbersTest, TheDeviceAndItsEpochAreTold) {
  Peer phone = peer("ann", "phone"), tab = peer("ann", "tab");
  phone.device_epoch = 3;
  tab.flags |= LCG_PEER_EPHEMERAL_DEVICE;

  EXPECT_EQ(rig_.ask(phone, "message.device", "{}").data, R"({"device":"phone","epoch":3})");
  EXPECT_EQ(rig_.ask(phone, "message.device", "").data, R"({"device":"phone","epoch":3})");
  EXPECT_EQ(rig_.ask(tab, "message.device", "{}").data, R"({"device":null})");
}

// It does not know that its epoch is another, and counts on: told to send again from 1, it would send all twice.
TEST_F(NumbersTest, ADeviceThatCountsOnInANewEpochIsToldAndNotAskedForItsOldNumbers) {
  rig_.send(ann_, "d", 1);
  rig_.send(ann_, "d", 2);
  Peer forgotten = ann_;
  forgotten.device_epoch = 9;

  const Reply counts_on = rig_.send(forgotten, "d", 3);
  const Reply gives_up = rig_.ask(forgotten, "message.void", R"({"dialog":"d","cseq":3})");

  for (const Reply& reply : {counts_on, gives_up}) {
    EXPECT_EQ(reply.error_code, chat::code::kStaleEpoch);
    EXPECT_EQ(reply.message, "stale_epoch:9");
  }
  EXPECT_TRUE(rig_.send(forgotten, "d", 1).ok());
  EXPECT_TRUE(rig_.send(forgotten, "d", 2).ok());
}

TEST_F(NumbersTest, HistoryOfTheChannelSinceTheEndIsEmpty) {
  channel::HistoryRequest request;
  request.limit = 10;
  request.has_since = true;
  for (const uint64_t since : {uint64_t{1}, uint64_t{2}, ~uint64_t{0} - 1, ~uint64_t{0}}) {
    request.since = since;
    EXPECT_TRUE(rig_.history(ann_, "d", request).value.publications.empty()) << since;
  }
}

}  // namespace
}  // namespace lcg::dialog::testing
