// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_storage.h"

#include <gtest/gtest.h>

#include "lcg/services/storage.hpp"
#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

using storage::Batch;
using storage::Client;
using storage::Scan;

class Storage : public ::testing::Test {
 protected:
  Reply commit(Batch batch, bool durable = true) {
    batch.durable = durable;
    return host_.await(client_.commit("p", std::move(batch)));
  }
  FakeHost host_;
  Client client_{host_.host()};
};

TEST_F(Storage, GetReturnsWhatWasPut) {
  commit(Batch().put("c", "k", "v"));

  EXPECT_EQ(host_.await(client_.get("p", "c", "k")).data, "v");
  EXPECT_EQ(host_.await(client_.get("p", "c", "other")).status, LCG_E_NOT_FOUND);
  EXPECT_EQ(host_.await(client_.get("q", "c", "k")).status, LCG_E_NOT_FOUND);
}

TEST_F(Storage, FailedConditionWritesNothingAndIsNamed) {
  commit(Batch().put("c", "k", "v"));

  const Reply reply = commit(Batch().require_equals("c", "k", "other").put("c", "x", "1"));

  EXPECT_EQ(reply.status, LCG_E_CONFLICT);
  EXPECT_EQ(reply.message, "c/k");
  EXPECT_FALSE(host_.storage().find("p", "c", "x"));
}

TEST_F(Storage, EveryKindOfConditionCanHold) {
  commit(Batch().put("c", "k", "v"));

  EXPECT_TRUE(
      commit(Batch().require_equals("c", "k", "v").require_present("c", "k").require_absent("c", "n")).ok());
}

TEST_F(Storage, ScanIsHalfOpenOrderedAndSaysMore) {
  commit(Batch().put("c", "a", "1").put("c", "b", "2").put("c", "c", "3").put("c", "d", "4"));

  const auto page = host_.await(client_.scan("p", Scan("c", "a", "d", 2)));

  ASSERT_EQ(page.value.rows.size(), 2u);
  EXPECT_EQ(page.value.rows[1].key, "b");
  EXPECT_TRUE(page.value.more);
}

TEST_F(Storage, ReverseScanBeginsAtTheHighEnd) {
  commit(Batch().put("c", "a", "1").put("c", "b", "2").put("c", "c", "3"));

  const auto page = host_.await(client_.scan("p", Scan("c", "", "", 2, true)));

  ASSERT_EQ(page.value.rows.size(), 2u);
  EXPECT_EQ(page.value.rows[0].key, "c");
  EXPECT_EQ(page.value.rows[1].key, "b");
}

TEST_F(Storage, CrashLosesWhatNoDurableBatchFollowed) {
  commit(Batch().put("c", "1", ""), false);
  commit(Batch().put("c", "2", ""), true);
  commit(Batch().put("c", "3", ""), false);

  host_.storage().crash();

  EXPECT_TRUE(host_.storage().find("p", "c", "1"));
  EXPECT_TRUE(host_.storage().find("p", "c", "2"));
  EXPECT_FALSE(host_.storage().find("p", "c", "3"));
}

TEST_F(Storage, CrashKeepsAPrefix) {
  for (const char* key : {"1", "2", "3"}) commit(Batch().put("c", key, ""), false);
  EXPECT_EQ(host_.storage().unsynced(), 3u);

  host_.storage().crash(2);

  EXPECT_EQ(host_.storage().rows("p", "c").size(), 2u);
  EXPECT_FALSE(host_.storage().find("p", "c", "3"));
}

TEST_F(Storage, OlderTermIsFenced) {
  const uint32_t slot = host_.slot_of("p");
  host_.set_slot(slot, 5, true);
  ASSERT_TRUE(commit(Batch().put("c", "k", "new")).ok());
  host_.set_slot(slot, 4, true);

  EXPECT_EQ(commit(Batch().put("c", "k", "old")).status, LCG_E_FENCED);
  EXPECT_EQ(host_.storage().find("p", "c", "k"), "new");
}

TEST_F(Storage, FullDiskRefusesWritesOnly) {
  commit(Batch().put("c", "k", "v"));
  host_.storage().refuse_writes(true);

  EXPECT_EQ(commit(Batch().put("c", "k", "w")).status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(host_.await(client_.get("p", "c", "k")).data, "v");
}

TEST_F(Storage, OverALimitIsInvalid) {
  Batch batch;
  for (size_t i = 0; i <= storage::kMaxBatchOps; ++i) batch.put("c", storage::key_u64(i), "");

  EXPECT_EQ(commit(std::move(batch)).status, LCG_E_INVALID);
  EXPECT_EQ(commit(Batch().put("c", std::string(513, 'k'), "")).status, LCG_E_INVALID);
}

}  // namespace
}  // namespace lcg::testing
