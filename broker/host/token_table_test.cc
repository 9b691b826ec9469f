#include "broker/host/token_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace lcg::host {
namespace {

using Table = TokenTable<int, 8>;
constexpr int kOwner = 0, kOther = 0;

TEST(TokenTable, ATokenIsClaimedOnce) {
  Table table(0);
  const Table::Token token = table.open(&kOwner);

  EXPECT_TRUE(table.claim(token, &kOwner));
  EXPECT_FALSE(table.claim(token, &kOwner));
}

TEST(TokenTable, OnlyItsOwnerClaimsIt) {
  Table table(0);
  const Table::Token token = table.open(&kOwner);

  EXPECT_FALSE(table.claim(token, &kOther));
  EXPECT_TRUE(table.is_open(token));
}

TEST(TokenTable, AReusedSlotHasANewToken) {
  Table table(0);
  const Table::Token first = table.open(&kOwner);
  ASSERT_TRUE(table.claim(first));
  table.close(first);

  const Table::Token second = table.open(&kOwner);

  EXPECT_EQ(second & (Table::kCapacity - 1), first & (Table::kCapacity - 1)) << "the same slot";
  EXPECT_FALSE(table.claim(first, &kOwner));
  EXPECT_TRUE(table.claim(second, &kOwner));
}

TEST(TokenTable, ReopeningMakesTheOldTokenStale) {
  Table table(0);
  const Table::Token first = table.open(&kOwner);
  table.value(first) = 7;
  ASSERT_TRUE(table.claim(first));

  const Table::Token second = table.reopen(first, &kOther);

  EXPECT_FALSE(table.claim(first, &kOwner));
  EXPECT_EQ(table.value(second), 7);
  EXPECT_TRUE(table.claim(second, &kOther));
}

TEST(TokenTable, ATokenOfAnotherTableIsStale) {
  Table one(0x1234567890), other(0xabcdef0123);

  const Table::Token token = one.open(&kOwner);
  static_cast<void>(other.open(&kOwner));

  EXPECT_FALSE(other.claim(token, &kOwner));
}

TEST(TokenTable, ForgedTokensAreStale) {
  Table table(0);
  static_cast<void>(table.open(&kOwner));

  for (uint64_t forged :
       {uint64_t{0}, uint64_t{1}, uint64_t{255}, UINT64_MAX, UINT64_MAX - 1, uint64_t{1} << 8 | 200}) {
    EXPECT_FALSE(table.claim(forged)) << forged;
  }
}

TEST(TokenTable, IsFullAtItsCapacityAndNotBefore) {
  Table table(0);
  std::set<Table::Token> tokens;
  for (size_t i = 0; i < Table::kCapacity; ++i) tokens.insert(table.open(&kOwner));

  EXPECT_EQ(tokens.size(), Table::kCapacity);
  EXPECT_EQ(tokens.count(0), 0u);
  EXPECT_EQ(table.open(&kOwner), 0u);
}

TEST(TokenTable, EightThreadsClaimATokenOnce) {
  Table table(0);
  for (int round = 0; round < 200; ++round) {
    const Table::Token token = table.open(&kOwner);
    std::atomic<int> winners{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] { winners += table.claim(token, &kOwner) ? 1 : 0; });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
    table.close(token);
  }
}

}  // namespace
}  // namespace lcg::host
