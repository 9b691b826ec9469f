// SPDX-License-Identifier: Apache-2.0
// What is noted, and for how long.
#include "plugins/token/notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::token {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Note note(std::string token, std::string channel = "news", int64_t until_ns = 0, std::string session = "s1") {
  return {std::move(token), std::move(session), std::move(channel), until_ns};
}

class NotesTest : public ::testing::Test {
 protected:
  explicit NotesTest(size_t per_session = 3) : notes_(per_session) {}
  std::vector<Note> ask(const Note& one, int64_t now_ns = 0) {
    std::vector<Note> pushed_out;
    EXPECT_TRUE(notes_.ask(one, now_ns, pushed_out));
    return pushed_out;
  }
  std::vector<Note> open(const Note& one, int64_t now_ns = 0) {
    std::vector<Note> pushed_out = ask(one, now_ns);
    EXPECT_TRUE(notes_.admitted(one));
    return pushed_out;
  }
  Notes notes_;
};

TEST_F(NotesTest, TheSameAgainIsTheSameNote) {
  for (int i = 0; i < 100; ++i) open(note("t1"));
  EXPECT_EQ(notes_.size(), 1u);
}

TEST_F(NotesTest, ATokenHasANoteOfEachChannelAndSession) {
  open(note("t1", ""));
  open(note("t1", "news"));
  open(note("t1", "news", 0, "s2"));
  open(note("t11", "other"));
  EXPECT_THAT(notes_.of("t1"), SizeIs(3));
  EXPECT_THAT(notes_.of("t"), IsEmpty());
}

TEST_F(NotesTest, TheNextTokenTakesThePlace) {
  open(note("t1"));
  open(note("t2"));
  EXPECT_THAT(notes_.of("t1"), IsEmpty());
  EXPECT_THAT(notes_.of("t2"), SizeIs(1));
}

TEST_F(NotesTest, AnotherChannelKeepsItsToken) {
  open(note("t1", ""));
  open(note("t2", "news"));
  open(note("t3", "news", 0, "s2"));
  EXPECT_EQ(notes_.size(), 3u);
}

TEST_F(NotesTest, OneThatIsRefusedTakesNoPlace) {
  open(note("t1"));
  ask(note("t2"));
  notes_.refused(note("t2"));
  EXPECT_THAT(notes_.of("t1"), SizeIs(1));
  EXPECT_EQ(notes_.size(), 1u);
}

TEST_F(NotesTest, OneThatIsCheckedIsNotedAlready) {
  ask(note("t1"));
  EXPECT_THAT(notes_.of("t1"), SizeIs(1));
}

TEST_F(NotesTest, AnOlderAnswerDoesNotTakeThePlaceOfANewer) {
  ask(note("t1"));
  open(note("t2"));
  ASSERT_TRUE(notes_.admitted(note("t1")));
  EXPECT_THAT(notes_.of("t2"), SizeIs(1));
}

TEST_F(NotesTest, TwoChecksOfOneTokenAndOneIsRefused) {
  ask(note("t1"));
  ask(note("t1"));
  notes_.refused(note("t1"));
  EXPECT_TRUE(notes_.admitted(note("t1")));
}

TEST_F(NotesTest, ASessionThatEndsLeavesNothing) {
  open(note("t1"));
  open(note("t2", ""));
  open(note("t1", "news", 0, "s2"));
  notes_.gone("s1", 0);
  EXPECT_EQ(notes_.size(), 1u);
  EXPECT_THAT(notes_.of("t1"), ElementsAre(Field(&Note::session, "s2")));
}

TEST_F(NotesTest, WhatWasAskedBeforeTheEndAndComesAfterItIsNotNoted) {
  ask(note("t1"));
  notes_.gone("s1", 0);
  std::vector<Note> pushed_out;
  EXPECT_FALSE(notes_.admitted(note("t1")));
  EXPECT_FALSE(notes_.ask(note("t2"), 1, pushed_out));
  EXPECT_EQ(notes_.size(), 0u);
}

TEST_F(NotesTest, SessionsThatEndedAreRememberedForAMinute) {
  for (int i = 0; i < 100; ++i) notes_.gone("s" + std::to_string(i), 0);
  EXPECT_EQ(notes_.remembered(), 100u);
  notes_.gone("last", Notes::kRememberGoneNs);
  EXPECT_EQ(notes_.remembered(), 1u);
}

TEST_F(NotesTest, WhatHasEndedIsDropped) {
  open(note("t1", "a", 1000));
  open(note("t2", "b", 2000));
  open(note("t3", "c", 3000), 1000);
  EXPECT_THAT(notes_.of("t1"), IsEmpty());
  EXPECT_EQ(notes_.size(), 2u);
}

TEST_F(NotesTest, AShorterLifeDoesNotShortenANote) {
  open(note("t1", "news", 2000));
  open(note("t1", "news", 1000));
  ask(note("t2", "other"), 1500);
  EXPECT_THAT(notes_.of("t1"), SizeIs(1));
}

// Whether the client took the refresh is not known here.
TEST_F(NotesTest, TheNextTokenIsNotedAsLongAsTheOneBefore) {
  open(note("t1", "news", 2000));
  open(note("t2", "news", 1000));
  ask(note("t3", "other"), 1500);
  EXPECT_THAT(notes_.of("t2"), SizeIs(1));
}

TEST_F(NotesTest, ASessionWithTooManyMakesRoomItself) {
  open(note("t", "a", 0, "s2"));
  for (const char* channel : {"a", "b", "c"}) open(note("t", channel));
  open(note("t", "a"));
  EXPECT_THAT(open(note("t", "d")), ElementsAre(Field(&Note::channel, "b"))) << "the oldest";
  EXPECT_EQ(notes_.size(), 4u);
}

}  // namespace
}  // namespace lcg::token
