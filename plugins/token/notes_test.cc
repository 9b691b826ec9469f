// SPDX-License-Identifier: Apache-2.0
// Who may fill the notes, and for whom.
#include "plugins/token/notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::token {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Note note(std::string token, std::string channel = "news", int64_t until_ms = 0) {
  return {std::move(token), "s1", std::move(channel), until_ms};
}

TEST(NotesTest, TheSameAgainIsTheSameNote) {
  Notes notes;
  for (int i = 0; i < 100; ++i) notes.add("ann", note("t1"), 0);
  EXPECT_EQ(notes.size(), 1u);
}

TEST(NotesTest, ATokenHasANoteOfEachChannelAndSession) {
  Notes notes;
  notes.add("ann", note("t1", ""), 0);
  notes.add("ann", note("t1", "news"), 0);
  notes.add("ann", {"t1", "s2", "news", 0}, 0);
  notes.add("ann", note("t11", "news"), 0);
  EXPECT_THAT(notes.of("t1"), SizeIs(3));
  EXPECT_THAT(notes.of("t"), IsEmpty());
}

TEST(NotesTest, WhoHasTooManyMakesRoomOneself) {
  Notes notes({.all = 100, .per_owner = 2});
  notes.add("victim", note("v"), 0);
  notes.add("mal", note("m1"), 0);
  notes.add("mal", note("m2"), 0);
  EXPECT_THAT(notes.add("mal", note("m3"), 0), ElementsAre(Field(&Note::token_id, "m1")));
  EXPECT_TRUE(notes.has("v", "s1", "news"));
}

TEST(NotesTest, TheOldestIsTheOneThatWasNotAskedForAgain) {
  Notes notes({.all = 100, .per_owner = 2});
  notes.add("mal", note("m1"), 0);
  notes.add("mal", note("m2"), 0);
  notes.add("mal", note("m1"), 0);
  EXPECT_THAT(notes.add("mal", note("m3"), 0), ElementsAre(Field(&Note::token_id, "m2")));
}

TEST(NotesTest, OfAllWhoHasMostMakesRoom) {
  Notes notes({.all = 4, .per_owner = 3});
  notes.add("victim", note("v"), 0);
  for (const char* token : {"m1", "m2", "m3"}) notes.add("mal", note(token), 0);
  EXPECT_THAT(notes.add("ann", note("a"), 0), ElementsAre(Field(&Note::token_id, "m1")));
  EXPECT_TRUE(notes.has("v", "s1", "news"));
  EXPECT_EQ(notes.size(), 4u);
}

TEST(NotesTest, WhatHasEndedIsDropped) {
  Notes notes({.all = 2, .per_owner = 2});
  notes.add("ann", note("t1", "news", 1000), 0);
  notes.add("ann", note("t2", "news", 2000), 0);
  EXPECT_THAT(notes.add("ann", note("t3", "news", 3000), 1000), IsEmpty());
  EXPECT_THAT(notes.of("t1"), IsEmpty());
  EXPECT_EQ(notes.size(), 2u);
}

TEST(NotesTest, AShorterLifeDoesNotShortenANote) {
  Notes notes;
  notes.add("ann", note("t1", "news", 2000), 0);
  notes.add("ann", note("t1", "news", 1000), 0);
  notes.add("ann", note("t2"), 1500);
  EXPECT_TRUE(notes.has("t1", "s1", "news"));
}

}  // namespace
}  // namespace lcg::token
