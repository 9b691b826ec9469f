// SPDX-License-Identifier: Apache-2.0
#include "lcg/services/storage_pages.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

using storage::PageBounds;
using storage::Pages;
using storage::Row;
using storage::Scan;
using storage::ScanRows;

struct Read {
  lcg_status status = LCG_OK;
  std::vector<std::string> keys;
  uint64_t pages = 0;
};

Task<Read> read_all(Host host, Scan scan, PageBounds bounds) {
  Read out;
  Pages pages(host, "p", std::move(scan), bounds);
  while (!pages.done()) {
    Outcome<std::vector<Row>> rows = co_await pages.next();
    ++out.pages;
    out.status = rows.status;
    for (Row& row : rows.value) out.keys.push_back(std::move(row.key));  // moved from, as callers do
  }
  co_return out;
}

class PagesTest : public ::testing::Test {
 protected:
  Read read(Scan scan = {"c", "", ""}, PageBounds bounds = {}) {
    return host_.await(read_all(host_.host(), std::move(scan), bounds));
  }
  // A store that answers `page(asked)` to every scan.
  void answers(std::function<ScanRows(const Scan&)> page) {
    host_.provide("storage", [page](const ServiceCall& call) {
      Scan scan;
      Scan::decode(call.data, scan);
      return Reply::with(page(scan).encode());
    });
  }
  void put(uint64_t count) {
    storage::Client client(host_.host());
    for (uint64_t i = 0; i < count;) {
      storage::Batch batch;
      for (; i < count && batch.ops.size() < storage::kMaxBatchOps; ++i)
        batch.put("c", storage::key_u64(i), "v");
      host_.await(client.commit("p", std::move(batch)));
    }
  }
  FakeHost host_;
};

std::vector<std::string> numbers(uint64_t from, uint64_t to) {
  std::vector<std::string> keys;
  for (uint64_t i = from; i < to; ++i) keys.push_back(storage::key_u64(i));
  return keys;
}

TEST_F(PagesTest, EveryRowIsReadOnce) {
  put(2345);

  const Read all = read();

  EXPECT_EQ(all.status, LCG_OK);
  EXPECT_EQ(all.keys, numbers(0, 2345));
  EXPECT_EQ(all.pages, 5u);
}

TEST_F(PagesTest, EveryRowIsReadOnceFromTheHighEnd) {
  put(1234);
  std::vector<std::string> expected = numbers(17, 1234);
  std::reverse(expected.begin(), expected.end());

  EXPECT_EQ(read({"c", storage::key_u64(17), "", 100, true}).keys, expected);
}

TEST_F(PagesTest, NothingIsOnePageOfNothing) {
  const Read none = read();

  EXPECT_EQ(none.status, LCG_OK);
  EXPECT_EQ(none.pages, 1u);
}

TEST_F(PagesTest, PageThatIsAnsweredAgainIsAnError) {
  answers([](const Scan&) { return ScanRows{{{"a", ""}, {"b", ""}}, true}; });

  const Read all = read();

  EXPECT_EQ(all.status, LCG_E_INTERNAL);
  EXPECT_EQ(all.pages, 2u);
}

TEST_F(PagesTest, EmptyPageWithMoreBehindItIsAnError) {
  answers([](const Scan&) { return ScanRows{{}, true}; });

  const Read all = read();

  EXPECT_EQ(all.status, LCG_E_INTERNAL);
  EXPECT_EQ(all.pages, 1u);
}

TEST_F(PagesTest, RowsOutOfOrderAreAnError) {
  answers([](const Scan&) { return ScanRows{{{"b", ""}, {"a", ""}}, false}; });
  EXPECT_EQ(read().status, LCG_E_INTERNAL);

  answers([](const Scan&) { return ScanRows{{{"a", ""}, {"b", ""}}, false}; });
  EXPECT_EQ(read({"c", "", "", 100, true}).status, LCG_E_INTERNAL);
}

TEST_F(PagesTest, StoreWithoutAnEndIsReadForAsManyPagesAsAreAllowed) {
  answers([](const Scan& asked) { return ScanRows{{{asked.from + "x", ""}}, true}; });

  const Read all = read({"c", "", ""}, {.pages = 7});

  EXPECT_EQ(all.status, LCG_E_TIMEOUT);
  EXPECT_EQ(all.keys.size(), 7u);
}

TEST_F(PagesTest, SlowStoreIsReadForAsLongAsIsAllowed) {
  Pages pages(host_.host(), "p", {"c", "", ""}, {.time = std::chrono::milliseconds(100)});
  answers([](const Scan& asked) { return ScanRows{{{asked.from + "x", ""}}, true}; });
  EXPECT_TRUE(host_.await(pages.next()).ok());
  host_.advance(101);

  EXPECT_EQ(host_.await(pages.next()).status, LCG_E_TIMEOUT);
  EXPECT_TRUE(pages.done());
}

TEST_F(PagesTest, FailureOfTheStoreEndsTheScan) {
  put(1000);
  int asked = 0;
  host_.provide("storage", [this, &asked](const ServiceCall& call) {
    return ++asked == 2 ? Reply::error(LCG_E_UNAVAILABLE, "a bad disk") : host_.storage().handle(call);
  });

  const Read all = read();

  EXPECT_EQ(all.status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(all.pages, 2u);
}

}  // namespace
}  // namespace lcg::testing
