#include "tests/integration/simulation/sim_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lcg::sim {
namespace {

using testing::ElementsAre;
using testing::Pair;

lcg_status put(SimStore& store, const std::string& key, bool durable, uint64_t term = 1) {
  storage::Batch batch;
  batch.durable = durable;
  batch.put("c", key, "v");
  return store.serve({"commit", "p", batch.encode(), 3, term}).status;
}

TEST(SimStore, ACrashKeepsWhatADurableBatchCovered) {
  SimStore store;
  put(store, "a", false);
  put(store, "b", true);
  put(store, "c", false);

  store.crash(0);

  EXPECT_THAT(store.keys("c"), ElementsAre(Pair("p", "a"), Pair("p", "b")));
}

TEST(SimStore, ACrashKeepsAPrefixOfTheRest) {
  SimStore store;
  for (const char* key : {"a", "b", "c"}) put(store, key, false);

  store.crash(2);

  EXPECT_THAT(store.keys("c"), ElementsAre(Pair("p", "a"), Pair("p", "b")));
  EXPECT_EQ(store.unsynced(), 0u);
}

TEST(SimStore, AnOlderTermIsFenced) {
  SimStore store;
  put(store, "a", true, 2);

  EXPECT_EQ(put(store, "b", true, 1), LCG_E_FENCED);
}

TEST(SimStore, ABatchWhoseConditionFailsDoesNothing) {
  SimStore store;
  put(store, "a", true);
  storage::Batch batch;
  batch.require_absent("c", "a").put("c", "b", "v");

  EXPECT_EQ(store.serve({"commit", "p", batch.encode(), 3, 1}).status, LCG_E_CONFLICT);
  EXPECT_THAT(store.keys("c"), ElementsAre(Pair("p", "a")));
}

}  // namespace
}  // namespace lcg::sim
