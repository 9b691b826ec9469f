// SPDX-License-Identifier: Apache-2.0
#include "lcg/wire.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "lcg/services/channel_provider.hpp"
#include "lcg/services/storage_wire.hpp"

namespace lcg {
namespace {

using wire::Reader;
using wire::Writer;

TEST(Wire, FieldsComeBackInOrder) {
  const std::string bytes = Writer().u64(300).str("key").boolean(true).str("").take();

  Reader reader(bytes);

  EXPECT_EQ(reader.u64(), 300u);
  EXPECT_EQ(reader.str(), "key");
  EXPECT_TRUE(reader.boolean());
  EXPECT_EQ(reader.str(), "");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.at_end());
}

TEST(Wire, BytesAreStable) {
  EXPECT_EQ(Writer().u64(300).str("ab").take(), std::string("\x01\xac\x02\x02"
                                                            "ab"));
}

TEST(Wire, EveryIntegerSurvives) {
  for (const uint64_t value :
       {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    const std::string bytes = Writer().u64(value).take();
    EXPECT_EQ(Reader(bytes).u64(), value);
  }
}

TEST(Wire, AppendedFieldsAreIgnoredByAnOldReader) {
  const std::string bytes = Writer().u64(1).str("new field").take();

  Reader reader(bytes);
  reader.u64();

  EXPECT_TRUE(reader.ok());
  EXPECT_FALSE(reader.at_end());
}

TEST(Wire, ReadingPastTheEndFailsForGood) {
  const std::string bytes = Writer().u64(7).take();

  Reader reader(bytes);
  reader.u64();
  reader.u64();

  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.str(), "");
}

TEST(Wire, LengthPastTheEndIsRefused) {
  Reader reader(
      std::string_view("\x01\x7f"
                       "ab",
                       4));

  EXPECT_EQ(reader.str(), "");
  EXPECT_FALSE(reader.ok());
}

TEST(Wire, CountLargerThanTheInputIsRefused) {
  const std::string bytes = Writer().u64(1'000'000'000).take();

  Reader reader(bytes);

  EXPECT_EQ(reader.count(), 0u);
  EXPECT_FALSE(reader.ok());
}

TEST(Wire, OverlongIntegerIsRefused) {
  Reader reader(std::string_view("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12));

  reader.u64();

  EXPECT_FALSE(reader.ok());
}

TEST(Wire, EmptyInputAndOtherVersionAreRefused) {
  EXPECT_FALSE(Reader("").ok());
  EXPECT_FALSE(Reader(std::string_view("\0", 1)).ok());
}

TEST(Wire, EveryTruncationOfABatchIsRefused) {
  storage::Batch batch;
  batch.require_equals("c", "k", "old").put("c", "k", "new").erase("d", "x");
  const std::string bytes = batch.encode();

  for (size_t size = 0; size < bytes.size(); ++size) {
    storage::Batch out;
    EXPECT_FALSE(storage::Batch::decode(bytes.substr(0, size), out)) << size;
  }
}

TEST(Wire, StreamPageSurvives) {
  channel::StreamPage page;
  page.head = 9;
  page.epoch = "e";
  page.recovered = true;
  page.publications.push_back({8, "{}", "user", "session"});

  channel::StreamPage out;

  ASSERT_TRUE(channel::decode(channel::encode(page), out));
  EXPECT_EQ(out.head, 9u);
  ASSERT_EQ(out.publications.size(), 1u);
  EXPECT_EQ(out.publications[0].session_id, "session");
}

TEST(StorageKeys, NumbersOrderAsBytes) {
  EXPECT_LT(storage::key_u64(255), storage::key_u64(256));
  EXPECT_EQ(storage::u64_of_key(storage::key_u64(0x0102030405060708)), 0x0102030405060708u);
}

}  // namespace
}  // namespace lcg
