// What every provider of the service "storage" must do, as tests: one a promise of lcg/services/storage.hpp,
// asked through the typed client in the fake host. A driver instantiates StorageSuite with a factory of rigs:
//   INSTANTIATE_TEST_SUITE_P(RocksDb, StorageSuite, testing::Values(&make_rocksdb_rig));
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lcg/services/storage.hpp"
#include "testing/fake_host.h"

namespace lcg::test {

// A fake host whose "storage" is the provider under test.
class StorageRig {
 public:
  virtual ~StorageRig() = default;
  virtual testing::FakeHost& host() = 0;
  // Stops the provider in order and starts it again on what it has stored.
  virtual void reopen() = 0;
};

class StorageSuite : public ::testing::TestWithParam<std::unique_ptr<StorageRig> (*)()> {
 protected:
  using Batch = storage::Batch;
  using Rows = std::vector<std::pair<std::string, std::string>>;

  StorageSuite() : rig_(GetParam()()) {}

  storage::Client client() { return storage::Client(rig_->host().host()); }
  Reply commit(const std::string& partition, Batch batch) {
    return rig_->host().await(client().commit(partition, std::move(batch)));
  }
  lcg_status put(const std::string& partition, const std::string& key, const std::string& value,
                 const std::string& collection = "c") {
    return commit(partition, Batch().put(collection, key, value)).status;
  }
  // The value, or "(none)", or "status <n>".
  std::string get(const std::string& partition, const std::string& key, const std::string& collection = "c") {
    const Reply reply = rig_->host().await(client().get(partition, collection, key));
    if (reply.status == LCG_E_NOT_FOUND) return "(none)";
    return reply.ok() ? reply.data : "status " + std::to_string(reply.status);
  }
  Outcome<storage::ScanRows> scan(const std::string& partition, storage::Scan scan) {
    return rig_->host().await(client().scan(partition, std::move(scan)));
  }
  // Keys of a scan, joined by commas; "+" at the end when there are more.
  std::string keys(const std::string& partition, const std::string& from, const std::string& to,
                   uint32_t limit, bool reverse = false) {
    const auto found = scan(partition, {"c", from, to, limit, reverse});
    if (!found.ok()) return "status " + std::to_string(found.status);
    std::string out;
    for (const storage::Row& row : found.value.rows) out += (out.empty() ? "" : ",") + row.key;
    return out + (found.value.more ? "+" : "");
  }
  // Makes the node hold the partition's slot under `term`.
  void hold(const std::string& partition, uint64_t term) {
    rig_->host().set_slot(rig_->host().slot_of(partition), term, true);
    rig_->host().run();
  }

  std::unique_ptr<StorageRig> rig_;
};

TEST_P(StorageSuite, WhatIsPutIsRead) {
  EXPECT_EQ(put("p", "k", "v"), LCG_OK);
  EXPECT_EQ(get("p", "k"), "v");
}

TEST_P(StorageSuite, WhatWasNeverPutIsNotFound) { EXPECT_EQ(get("p", "k"), "(none)"); }

TEST_P(StorageSuite, WhatIsErasedIsNotFound) {
  put("p", "k", "v");

  EXPECT_EQ(commit("p", Batch().erase("c", "k")).status, LCG_OK);

  EXPECT_EQ(get("p", "k"), "(none)");
}

TEST_P(StorageSuite, ErasingWhatIsAbsentIsFine) {
  EXPECT_EQ(commit("p", Batch().erase("c", "k")).status, LCG_OK);
}

TEST_P(StorageSuite, TheLastOperationOnAKeyInABatchCounts) {
  commit("p", Batch().put("c", "a", "1").put("c", "a", "2").put("c", "b", "1").erase("c", "b"));

  EXPECT_EQ(get("p", "a"), "2");
  EXPECT_EQ(get("p", "b"), "(none)");
}

TEST_P(StorageSuite, PartitionsAndCollectionsAreApart) {
  put("p", "k", "1");
  put("q", "k", "2");
  put("p", "k", "3", "d");

  EXPECT_EQ(get("p", "k"), "1");
  EXPECT_EQ(get("q", "k"), "2");
  EXPECT_EQ(get("p", "k", "d"), "3");
  EXPECT_EQ(keys("p", "", "", 10), "k");
}

TEST_P(StorageSuite, NamesThatBeginOrEndAlikeAreApart) {
  using namespace std::string_literals;
  const std::vector<std::string> names = {"a", "ab", "a\0"s, "a\0b"s, "a\0\x01"s, "a\0\xff"s, "\0"s, "\xff"};
  for (const std::string& name : names) ASSERT_EQ(put(name, "k", name), LCG_OK);

  for (const std::string& name : names) EXPECT_EQ(get(name, "k"), name);
}

TEST_P(StorageSuite, EmptyAndBinaryValuesAreKept) {
  using namespace std::string_literals;
  const std::string binary = "\0\xff\n\x01"s;
  put("p", "empty", "");
  put("p", binary, binary);

  EXPECT_EQ(get("p", "empty"), "");
  EXPECT_EQ(get("p", binary), binary);
}

// --- conditions
// -----------------------------------------------------------------------------------------------

TEST_P(StorageSuite, ConditionsThatHoldLetTheBatchThrough) {
  put("p", "there", "v");

  const Reply reply = commit("p", Batch()
                                      .require_absent("c", "new")
                                      .require_present("c", "there")
                                      .require_equals("c", "there", "v")
                                      .put("c", "new", "x"));

  EXPECT_EQ(reply.status, LCG_OK) << reply.message;
  EXPECT_EQ(get("p", "new"), "x");
}

TEST_P(StorageSuite, OneConditionThatFailsKeepsTheWholeBatchOut) {
  put("p", "there", "v");
  const Batch failing[] = {Batch().require_absent("c", "there"), Batch().require_present("c", "new"),
                           Batch().require_equals("c", "there", "w"), Batch().require_equals("c", "new", ""),
                           Batch().require_present("c", "there").require_absent("c", "there")};

  for (Batch batch : failing) {
    batch.put("c", "new", "x").erase("c", "there");
    const Reply reply = commit("p", std::move(batch));
    EXPECT_EQ(reply.status, LCG_E_CONFLICT);
    EXPECT_FALSE(reply.message.empty());
  }

  EXPECT_EQ(get("p", "new"), "(none)");
  EXPECT_EQ(get("p", "there"), "v");
}

TEST_P(StorageSuite, OfTwoWhoAskForTheSameOnlyOneGetsIt) {
  const std::string data = Batch().require_absent("c", "k").put("c", "k", "mine").encode();
  std::vector<testing::Pending> asked;
  for (int i = 0; i < 20; ++i) asked.push_back(rig_->host().send_call({"storage", "commit", "p", data}));

  rig_->host().run_until([&] {
    for (const auto& pending : asked)
      if (!pending->done) return false;
    return true;
  });

  int won = 0;
  for (const auto& pending : asked) {
    won += pending->reply.status == LCG_OK ? 1 : 0;
    EXPECT_TRUE(pending->reply.status == LCG_OK || pending->reply.status == LCG_E_CONFLICT);
  }
  EXPECT_EQ(won, 1);
}

TEST_P(StorageSuite, BatchesOfOneCallerAreAppliedInOrder) {
  std::vector<testing::Pending> asked;
  for (int i = 0; i < 100; ++i) {
    Batch batch;
    if (i > 0) batch.require_equals("c", "k", std::to_string(i - 1));
    batch.put("c", "k", std::to_string(i));
    batch.durable = i % 3 == 0;
    asked.push_back(rig_->host().send_call({"storage", "commit", "p", batch.encode()}));
  }

  rig_->host().run_until([&] { return asked.back()->done; });

  EXPECT_EQ(asked.back()->reply.status, LCG_OK) << asked.back()->reply.message;
  EXPECT_EQ(get("p", "k"), "99");
}

// --- scans
// ----------------------------------------------------------------------------------------------------

TEST_P(StorageSuite, ScansGoInTheOrderOfUnsignedBytes) {
  using namespace std::string_literals;
  const std::vector<std::string> in_order = {"\0"s, "\0\xff"s, "\x01", "a",    "a\0"s,
                                             "aa",  "b",       "\x7f", "\x80", "\xff"};
  for (auto it = in_order.rbegin(); it != in_order.rend(); ++it) put("p", *it, "v");

  const auto found = scan("p", {"c", "", "", 100, false});

  std::vector<std::string> order;
  for (const storage::Row& row : found.value.rows) order.push_back(row.key);
  EXPECT_EQ(order, in_order);
}

TEST_P(StorageSuite, ScanBoundsTakeTheLowerAndLeaveTheUpper) {
  for (const char* key : {"a", "b", "c", "d"}) put("p", key, "v");

  EXPECT_EQ(keys("p", "b", "d", 10), "b,c");
  EXPECT_EQ(keys("p", "b", "", 10), "b,c,d");
  EXPECT_EQ(keys("p", "", "b", 10), "a");
  EXPECT_EQ(keys("p", "bb", "bc", 10), "");
  EXPECT_EQ(keys("p", "c", "b", 10), "");
  EXPECT_EQ(keys("p", "c", "c", 10), "");
}

TEST_P(StorageSuite, ScanLimitsSayWhetherThereIsMore) {
  for (const char* key : {"a", "b", "c"}) put("p", key, "v");

  EXPECT_EQ(keys("p", "", "", 2), "a,b+");
  EXPECT_EQ(keys("p", "", "", 3), "a,b,c");
  EXPECT_EQ(keys("p", "", "", 4), "a,b,c");
  EXPECT_EQ(keys("p", "", "c", 2), "a,b");
}

TEST_P(StorageSuite, ReverseScansBeginAtTheHighEnd) {
  for (const char* key : {"a", "b", "c", "d"}) put("p", key, "v");

  EXPECT_EQ(keys("p", "", "", 10, true), "d,c,b,a");
  EXPECT_EQ(keys("p", "", "", 2, true), "d,c+");
  EXPECT_EQ(keys("p", "b", "d", 10, true), "c,b");
  EXPECT_EQ(keys("p", "b", "d", 1, true), "c+");
}

TEST_P(StorageSuite, ScansReturnTheValues) {
  put("p", "a", "1");
  put("p", "b", std::string(100'000, 'x'));

  const auto found = scan("p", {"c", "", "", 10, false});

  ASSERT_EQ(found.value.rows.size(), 2u);
  EXPECT_EQ(found.value.rows[0].value, "1");
  EXPECT_EQ(found.value.rows[1].value, std::string(100'000, 'x'));
}

TEST_P(StorageSuite, AScanIsCutAtItsMaximumOfRows) {
  for (uint64_t at = 0; at < storage::kMaxScanRows + 200; at += 200) {
    Batch batch;
    for (uint64_t i = 0; i < 200; ++i) batch.put("c", storage::key_u64(at + i), "v");
    ASSERT_EQ(commit("p", std::move(batch)).status, LCG_OK);
  }

  const auto found = scan("p", {"c", "", "", 1'000'000, false});

  EXPECT_EQ(found.value.rows.size(), storage::kMaxScanRows);
  EXPECT_TRUE(found.value.more);
}

TEST_P(StorageSuite, AScanIsCutAtItsMaximumOfBytesButNeverToNothing) {
  const std::string big(storage::kMaxValueBytes, 'x');
  for (const char* key : {"a", "b"}) ASSERT_EQ(put("p", key, big), LCG_OK);

  EXPECT_EQ(keys("p", "", "", 10), "a+");
  EXPECT_EQ(keys("p", "b", "", 10), "b");
}

TEST_P(StorageSuite, ScansSkipWhatWasErased) {
  for (int i = 0; i < 3000; i += 500) {
    Batch puts, erases;
    for (int k = i; k < i + 500; ++k) {
      puts.put("c", storage::key_u64(static_cast<uint64_t>(k)), "v");
      if (k != 2999) erases.erase("c", storage::key_u64(static_cast<uint64_t>(k)));
    }
    ASSERT_EQ(commit("p", std::move(puts)).status, LCG_OK);
    ASSERT_EQ(commit("p", std::move(erases)).status, LCG_OK);
  }

  EXPECT_EQ(keys("p", "", "", 10), storage::key_u64(2999));
}

TEST_P(StorageSuite, NumbersAsKeysOrderAsNumbers) {
  for (const uint64_t n : {300u, 2u, 255u, 256u, 1u, 70000u}) put("p", storage::key_u64(n), "v");
  std::vector<uint64_t> order;

  for (const storage::Row& row : scan("p", {"c", "", "", 10, false}).value.rows)
    order.push_back(storage::u64_of_key(row.key));

  EXPECT_EQ(order, (std::vector<uint64_t>{1, 2, 255, 256, 300, 70000}));
}

// --- limits
// ---------------------------------------------------------------------------------------------------

TEST_P(StorageSuite, TheLargestKeyValueAndPartitionAreTaken) {
  const std::string key(storage::kMaxKeyBytes, 'k'), value(storage::kMaxValueBytes, 'v');

  EXPECT_EQ(put(key, key, value), LCG_OK);
  EXPECT_EQ(get(key, key), value);
}

TEST_P(StorageSuite, WhatIsOverALimitIsInvalidAndNotWritten) {
  const std::string long_key(storage::kMaxKeyBytes + 1, 'k');
  Batch many;
  for (size_t i = 0; i <= storage::kMaxBatchOps; ++i) many.put("c", std::to_string(i), "v");
  Batch heavy;
  for (int i = 0; i < 5; ++i) heavy.put("c", std::to_string(i), std::string(storage::kMaxValueBytes, 'v'));

  EXPECT_EQ(put("p", long_key, "v"), LCG_E_INVALID);
  EXPECT_EQ(put("p", "", "v"), LCG_E_INVALID);
  EXPECT_EQ(put("p", "k", std::string(storage::kMaxValueBytes + 1, 'v')), LCG_E_INVALID);
  EXPECT_EQ(put(long_key, "k", "v"), LCG_E_INVALID);
  EXPECT_EQ(commit("p", std::move(many)).status, LCG_E_INVALID);
  EXPECT_EQ(commit("p", std::move(heavy)).status, LCG_E_INVALID);
  EXPECT_EQ(keys("p", "", "", 10), "");
}

TEST_P(StorageSuite, MalformedCallsAreInvalidAndUnknownOnesUnsupported) {
  const auto ask = [&](const std::string& method, const std::string& data) {
    return rig_->host().call({"storage", method, "p", data}).status;
  };
  const std::string good = Batch().put("c", "k", "v").encode();

  for (const std::string& data :
       {std::string(), good.substr(0, good.size() - 1), std::string("\x01\xff\xff\xff\xff", 5)})
    EXPECT_EQ(ask("commit", data), LCG_E_INVALID);
  EXPECT_EQ(ask("get", ""), LCG_E_INVALID);
  EXPECT_EQ(ask("scan", ""), LCG_E_INVALID);
  EXPECT_EQ(ask("drop", good), LCG_E_UNSUPPORTED);
  EXPECT_EQ(get("p", "k"), "(none)");
}

TEST_P(StorageSuite, AnEmptyBatchIsFine) { EXPECT_EQ(commit("p", Batch()).status, LCG_OK); }

// --- fencing
// --------------------------------------------------------------------------------------------------

TEST_P(StorageSuite, AnOlderTermIsFencedAndWritesNothing) {
  hold("p", 5);
  ASSERT_EQ(put("p", "k", "new"), LCG_OK);
  hold("p", 4);

  EXPECT_EQ(put("p", "k", "old"), LCG_E_FENCED);

  EXPECT_EQ(get("p", "k"), "new");
}

TEST_P(StorageSuite, TheSameOrANewerTermWrites) {
  hold("p", 5);
  EXPECT_EQ(put("p", "k", "1"), LCG_OK);
  EXPECT_EQ(put("p", "k", "2"), LCG_OK);
  hold("p", 6);
  EXPECT_EQ(put("p", "k", "3"), LCG_OK);
}

TEST_P(StorageSuite, ATermFencesItsOwnSlotOnly) {
  std::string other = "q";
  while (rig_->host().slot_of(other) == rig_->host().slot_of("p")) other += "q";
  hold("p", 9);
  ASSERT_EQ(put("p", "k", "v"), LCG_OK);
  hold(other, 2);

  EXPECT_EQ(put(other, "k", "v"), LCG_OK);
}

TEST_P(StorageSuite, TermsSurviveARestart) {
  hold("p", 5);
  ASSERT_EQ(put("p", "k", "new"), LCG_OK);
  rig_->reopen();
  hold("p", 4);

  EXPECT_EQ(put("p", "k", "old"), LCG_E_FENCED);
}

// --- restart
// --------------------------------------------------------------------------------------------------

TEST_P(StorageSuite, EverythingSurvivesARestart) {
  put("p", "a", "1");
  put("p", "gone", "x");
  commit("p", Batch().erase("c", "gone"));
  put("q", "b", std::string(1'000'000, 'v'));

  rig_->reopen();

  EXPECT_EQ(get("p", "a"), "1");
  EXPECT_EQ(get("p", "gone"), "(none)");
  EXPECT_EQ(get("q", "b"), std::string(1'000'000, 'v'));
  EXPECT_EQ(commit("p", Batch().require_absent("c", "a")).status, LCG_E_CONFLICT);
}

}  // namespace lcg::test
