// SPDX-License-Identifier: Apache-2.0
// What a dialog keeps of the end of its log: bounded, and by what is there now.
#include "plugins/dialog/tail.h"

#include <gtest/gtest.h>

namespace lcg::dialog {
namespace {

EntryPtr entry(uint64_t dseq, size_t bytes) {
  auto e = std::make_shared<Entry>();
  e->dseq = dseq;
  e->body.assign(bytes, 'x');
  return e;
}

TEST(Tail, KeepsTheLastEntriesUpToTheirNumber) {
  Tail tail;
  for (uint64_t dseq = 1; dseq <= 1000; ++dseq) tail.push(entry(dseq, 0));

  EXPECT_EQ(tail.size(), Tail::kMaxEntries);
  EXPECT_EQ(tail.first(), 1000 - Tail::kMaxEntries + 1);
  EXPECT_EQ(tail.find(1000)->dseq, 1000u);
  EXPECT_EQ(tail.find(1), nullptr);
  EXPECT_EQ(tail.find(1001), nullptr);
}

TEST(Tail, KeepsNoMoreThanItsBytes) {
  Tail tail;
  for (uint64_t dseq = 1; dseq <= 1000; ++dseq) {
    tail.push(entry(dseq, 4000));
    ASSERT_LE(tail.bytes(), Tail::kMaxBytes);
  }
  EXPECT_GT(tail.size(), 1u);
}

TEST(Tail, TheLastEntryIsKeptWhateverItWeighs) {
  Tail tail;
  tail.push(entry(1, 1));
  tail.push(entry(2, 2 * Tail::kMaxBytes));

  EXPECT_EQ(tail.size(), 1u);
  EXPECT_EQ(tail.first(), 2u);
}

// Erasing all that is said leaves as much room as if it had never been said.
TEST(Tail, WhatIsReplacedWeighsWhatIsThereNow) {
  Tail erased, never_said;
  for (uint64_t dseq = 1; dseq <= 2000; ++dseq) {
    erased.push(entry(dseq, 4000));
    erased.replace(entry(dseq, 0));
    never_said.push(entry(dseq, 0));
  }

  EXPECT_EQ(erased.bytes(), never_said.bytes());
  EXPECT_EQ(erased.size(), Tail::kMaxEntries);
}

TEST(Tail, WhatIsNotKeptIsNotReplaced) {
  Tail tail;
  tail.replace(entry(1, 10));
  tail.push(entry(5, 10));
  const size_t bytes = tail.bytes();
  tail.replace(entry(4, 10));
  tail.replace(entry(6, 10));

  EXPECT_EQ(tail.bytes(), bytes);
  EXPECT_EQ(tail.size(), 1u);
}

}  // namespace
}  // namespace lcg::dialog
