// SPDX-License-Identifier: Apache-2.0
// storage_pages.hpp: all rows of a scan, page by page. The one way to read more than one page holds.
//
//   storage::Pages pages(host_, "@7", {"dialog_dirty", "", ""});
//   while (!pages.done()) {
//     Outcome<std::vector<storage::Row>> rows = co_await pages.next();
//     if (!rows.ok()) co_return rows.status;
//     for (storage::Row& row : rows.value) ...            // the rows are the caller's to move from
//   }
//
// Where the next page begins is decided here, before the caller has the rows. A page that does not lead on (out of
// the range asked, out of order, or empty with more behind it) is an error and not another try, and so is a scan of
// more pages or more time than its bounds allow: the loop above ends, whatever the store answers. Between two pages
// the lane serves others. Rows written or erased meanwhile may be seen or not; every other row is seen once.
// Lane: the instance's.
#pragma once
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "lcg/services/storage.hpp"

namespace lcg::storage {

struct PageBounds {
  uint32_t rows = 500;      // of a page, at most kMaxScanRows: what a lane takes in at once
  uint64_t pages = 20'000;  // ten million rows
  std::chrono::milliseconds time{60'000};
};

class Pages {
 public:
  // scan.limit is not looked at: all rows are read.
  Pages(Host host, std::string partition, Scan scan, PageBounds bounds = {})
      : host_(host),
        store_(host),
        partition_(std::move(partition)),
        scan_(std::move(scan)),
        pages_left_(bounds.pages),
        deadline_ns_(host.now_ns() + std::chrono::nanoseconds(bounds.time).count()) {
    scan_.limit = bounds.rows;
  }

  // True when the last page was read, or one could not be.
  bool done() const noexcept { return done_; }
  // REQUIRES: !done(). Also LCG_E_INTERNAL: a page did not lead on; LCG_E_TIMEOUT: over its bounds, or the store's
  // own answer. The rows come in the scan's order, and may be none.
  Task<Outcome<std::vector<Row>>> next() {
    if (pages_left_ == 0 || host_.now_ns() > deadline_ns_)
      co_return fail(LCG_E_TIMEOUT, "a scan took more pages or time than it may");
    --pages_left_;
    Outcome<ScanRows> page = co_await store_.scan(partition_, scan_);
    if (!page.ok()) co_return fail(page.status, std::move(page.message));
    if (!leads_on(page.value))
      co_return fail(LCG_E_INTERNAL, "the store answered a page that does not lead on");
    done_ = !page.value.more;
    if (!done_) go_behind(page.value.rows.back().key);
    co_return {LCG_OK, {}, std::move(page.value.rows)};
  }

 private:
  Outcome<std::vector<Row>> fail(lcg_status status, std::string why) {
    done_ = true;
    return {status, std::move(why) + " collection=" + scan_.collection, {}};
  }
  void go_behind(const std::string& key) {
    if (scan_.reverse) {
      scan_.to = key;
    } else {
      scan_.from = key + '\0';
    }
  }
  bool leads_on(const ScanRows& page) const {
    const std::string* last = nullptr;
    for (const Row& row : page.rows) {
      if (row.key < scan_.from || (!scan_.to.empty() && row.key >= scan_.to)) return false;
      if (last != nullptr && (scan_.reverse ? row.key >= *last : row.key <= *last)) return false;
      last = &row.key;
    }
    return last != nullptr || !page.more;
  }

  Host host_;
  Client store_;
  std::string partition_;
  Scan scan_;
  uint64_t pages_left_;
  const int64_t deadline_ns_;
  bool done_ = false;
};

}  // namespace lcg::storage
