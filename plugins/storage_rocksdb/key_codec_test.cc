// SPDX-License-Identifier: Apache-2.0
#include "plugins/storage_rocksdb/key_codec.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace lcg::storage_rocksdb {
namespace {

using namespace std::string_literals;

TEST(KeyCodec, KeysOfOnePartitionOrderAsUnsignedBytes) {
  const std::string prefix = partition_prefix("log", "d1");
  std::vector<std::string> keys = {"", "\0"s, "\0\xff"s, "\x01", "a", "a\0"s, "aa", "\x7f", "\x80", "\xff"};

  std::vector<std::string> stored;
  for (const std::string& key : keys) stored.push_back(prefix + key);

  EXPECT_TRUE(std::is_sorted(stored.begin(), stored.end()));
}

TEST(KeyCodec, NoPrefixOfAPairBeginsAnother) {
  const std::vector<std::string> names = {"a", "ab", "a\0"s, "a\0\x01"s, "a\0\xff"s, "a\0b"s, "\0"s, "\x01"};
  std::vector<std::string> prefixes;
  for (const std::string& collection : names)
    for (const std::string& partition : names) prefixes.push_back(partition_prefix(collection, partition));

  for (size_t i = 0; i < prefixes.size(); ++i)
    for (size_t j = 0; j < prefixes.size(); ++j)
      EXPECT_TRUE(i == j || !prefixes[i].starts_with(prefixes[j])) << i << " " << j;
}

TEST(KeyCodec, AfterPartitionIsPastEveryKeyOfItAndBeforeTheNext) {
  const std::string prefix = partition_prefix("log", "d");
  const std::string end = after_partition(prefix);

  EXPECT_GT(end, prefix + std::string(600, '\xff'));
  EXPECT_LT(end, partition_prefix("log", "d\0"s));
  EXPECT_LT(end, partition_prefix("log", "da"));
}

TEST(KeyCodec, PrefixSizeFindsWhereTheKeyBegins) {
  const std::string prefix = partition_prefix("c\0\x01"s, "p\0"s);

  EXPECT_EQ(partition_prefix_size(prefix + "\0\x01key"s), prefix.size());
  EXPECT_EQ(partition_prefix_size(prefix), prefix.size());
  EXPECT_EQ(partition_prefix_size(fence_key(1)), 0u);
}

TEST(KeyCodec, FenceKeyHoldsItsSlot) {
  for (const uint32_t slot : {0u, 1u, 255u, 256u, 65535u})
    EXPECT_EQ(slot_of_fence_key(fence_key(slot)), slot);
}

TEST(KeyCodec, OwnRecordsStandBeforeEveryDocument) {
  EXPECT_LT(fence_key(65535), partition_prefix("\0"s, "\0"s));
}

}  // namespace
}  // namespace lcg::storage_rocksdb
