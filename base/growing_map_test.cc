#include "base/growing_map.h"

#include <gmock/gmock.h>

#include <map>
#include <set>
#include <string>

#include "base/sim_lane.h"

namespace lcg {
namespace {

using Map = GrowingMap<std::string, int>;

std::string name(int n) { return "name-" + std::to_string(n); }

void fill(Map& map, int from, int to) {
  for (int n = from; n < to; ++n) map.try_emplace(name(n), n);
}

TEST(GrowingMap, KeepsWhatIsPut) {
  Map map;

  fill(map, 0, 5000);

  EXPECT_EQ(map.size(), 5000u);
  for (int n = 0; n < 5000; ++n) ASSERT_EQ(map.find(name(n))->value, n);
  EXPECT_EQ(map.find(name(5000)), nullptr);
}

TEST(GrowingMap, TheFirstOfAKeyStays) {
  Map map;
  map.try_emplace("a", 1);

  const auto [entry, fresh] = map.try_emplace("a", 2);

  EXPECT_FALSE(fresh);
  EXPECT_EQ(entry->value, 1);
}

TEST(GrowingMap, EntriesStayWhereTheyAre) {
  Map map;
  const Map::Entry* first = map.try_emplace(name(0), 0).first;

  fill(map, 1, 5000);

  EXPECT_EQ(map.find(name(0)), first);
}

TEST(GrowingMap, TakeGivesTheValueAndForgetsIt) {
  Map map;
  fill(map, 0, 10);

  EXPECT_EQ(map.take(name(3)), 3);
  EXPECT_EQ(map.take(name(3)), std::nullopt);
  EXPECT_EQ(map.size(), 9u);
}

// The kind of pause this table is for: one operation never moves more than a few buckets' entries.
TEST(GrowingMap, NoOperationMovesManyEntries) {
  Map map;
  uint64_t most = 0;
  const auto counted = [&](auto&& operation) {
    const uint64_t before = map.moved();
    operation();
    most = std::max(most, map.moved() - before);
  };

  for (int n = 0; n < 50'000; ++n) counted([&] { map.try_emplace(name(n), n); });
  for (int n = 0; n < 50'000; ++n) counted([&] { map.erase(name(n)); });

  EXPECT_LE(most, 32u);
}

TEST(GrowingMap, GivesItsBucketsBack) {
  Map map;
  fill(map, 0, 50'000);
  EXPECT_GE(map.buckets(), 50'000u);

  for (int n = 10; n < 50'000; ++n) map.erase(name(n));
  EXPECT_LE(map.buckets(), 64u);

  for (int n = 0; n < 10; ++n) map.erase(name(n));
  EXPECT_EQ(map.buckets(), 0u);
}

TEST(GrowingMap, AWalkInStepsSeesEachEntryOnce) {
  Map map;
  fill(map, 0, 3000);
  std::map<std::string, int> seen;
  size_t steps = 0;

  uint64_t cursor = 0;
  do {
    size_t in_step = 0;
    cursor = map.walk(cursor, 100, [&](const Map::Entry& entry) { ++seen[entry.key], ++in_step; });
    EXPECT_LE(in_step, 132u);
    ++steps;
  } while (cursor != 0);

  EXPECT_EQ(seen.size(), 3000u);
  for (const auto& [key, times] : seen) ASSERT_EQ(times, 1) << key;
  EXPECT_GE(steps, 30u);
}

// What is there all the time is seen once, however the table grows and shrinks between the steps.
TEST(GrowingMap, AWalkIsRightWhileTheTableChanges) {
  SimWorld world(5, 1);
  Random& random = world.lane(0).random();
  for (int round = 0; round < 15; ++round) {
    Map map;
    fill(map, 0, 500);
    int top = 500;
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      cursor = map.walk(cursor, 1 + random.below(60), [&](const Map::Entry& entry) { ++seen[entry.key]; });
      if (random.below(2) == 0) {
        const int more = static_cast<int>(random.below(400));
        fill(map, top, top + more);
        top += more;
      } else {
        for (; top > 500; --top) map.erase(name(top - 1));
      }
    } while (cursor != 0);

    for (int n = 0; n < 500; ++n) ASSERT_EQ(seen[name(n)], 1) << n;
    for (const auto& [key, times] : seen) ASSERT_LE(times, 1) << key;
  }
}

// A model of it, with keys that come and go.
TEST(GrowingMap, IsAMap) {
  SimWorld world(7, 1);
  Random& random = world.lane(0).random();
  Map map;
  std::map<std::string, int> model;

  for (int n = 0; n < 40'000; ++n) {
    const bool grows = n / 10'000 % 2 == 0;
    const std::string key = name(static_cast<int>(random.below(4000)));
    if (random.below(10) < (grows ? 8u : 2u)) {
      ASSERT_EQ(map.try_emplace(key, n).second, model.try_emplace(key, n).second);
    } else {
      ASSERT_EQ(map.erase(key), model.erase(key) == 1);
    }
    ASSERT_EQ(map.size(), model.size());
  }

  std::map<std::string, int> all;
  map.for_each([&](const Map::Entry& entry) { all.emplace(entry.key, entry.value); });
  EXPECT_EQ(all, model);
}

TEST(GrowingMap, AValuesEndMayLookIntoTheTable) {
  struct Looks {
    GrowingMap<std::string, std::unique_ptr<Looks>>& map;
    size_t& saw;
    ~Looks() { saw = map.size(); }
  };
  size_t saw = 99;
  GrowingMap<std::string, std::unique_ptr<Looks>> map;
  map.try_emplace("a", std::make_unique<Looks>(Looks{map, saw}));
  saw = 99;

  map.erase("a");

  EXPECT_EQ(saw, 0u);
}

}  // namespace
}  // namespace lcg
