// SPDX-License-Identifier: Apache-2.0
// The half of Inbox that counts how long a user's list is, and by whose doing.
#include <algorithm>

#include "inbox.h"
#include "settings.h"

namespace lcg::dialog {

std::string encode(const Caused& c) {
  return wire::Writer().u64(c.groups).u64(c.directs).u64(c.forgiven).take();
}

bool decode(std::string_view data, Caused& c) {
  wire::Reader r(data);
  c.groups = r.u64();
  c.directs = r.u64();
  if (!r.at_end()) c.forgiven = r.u64();
  return r.ok();
}

std::string encode(const ListCount& c) {
  wire::Writer w;
  w.u64(c.in).u64(c.left).u64(c.forgotten).u64(c.own);
  return w.u64(c.caused.groups).u64(c.caused.directs).take();
}

bool decode(std::string_view data, ListCount& c) {
  wire::Reader r(data);
  c.in = r.u64();
  c.left = r.u64();
  c.forgotten = r.u64();
  c.own = c.in;
  if (!r.ok() || r.at_end()) return r.ok();  // as written before these were counted
  c.own = r.u64();
  c.caused.groups = r.u64();
  c.caused.directs = r.u64();
  return r.ok();
}

Task<Outcome<ListCount>> Inbox::count(std::string user) {
  Reply reply = co_await store_.get(std::move(user), kUserCountDocs, "list");
  if (reply.status == LCG_E_NOT_FOUND) co_return {};
  Outcome<ListCount> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<Outcome<Caused>> Inbox::caused(std::string user, std::string other) {
  Reply reply = co_await store_.get(std::move(user), kUserCausedDocs, std::move(other));
  if (reply.status == LCG_E_NOT_FOUND) co_return {};
  Outcome<Caused> out{reply.status, reply.message, {}};
  if (out.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  co_return out;
}

Task<lcg_status> Inbox::forgive(std::string user, std::string other) {
  const auto turn = co_await users_.acquire(user);
  Outcome<Caused> found = co_await caused(user, other);
  if (!found.ok()) co_return LCG_E_BUSY;
  const Caused& c = found.value;
  if (c.groups + c.directs == 0) co_return LCG_OK;
  Outcome<ListCount> all = co_await count(user);
  if (!all.ok()) co_return LCG_E_BUSY;
  Outcome<uint64_t> last = co_await last_iseq(user);
  if (!last.ok()) co_return LCG_E_BUSY;
  Caused& sum = all.value.caused;
  sum.groups -= std::min(sum.groups, c.groups);
  sum.directs -= std::min(sum.directs, c.directs);
  storage::Batch batch;
  batch.durable = false;
  batch.put(kUserCausedDocs, std::move(other), encode(Caused{0, 0, last.value}))
      .put(kUserCountDocs, "list", encode(all.value));
  Reply reply = co_await store_.commit(std::move(user), std::move(batch));
  co_return reply.status;
}

// Of a dialog that comes into the list, or leaves it: by whose doing it was there.
Task<lcg_status> Inbox::recount_cause(std::string user, UserDialog changed, ListCount* count,
                                      storage::Batch* batch) {
  const auto move = [&changed](uint64_t& one) {
    if (changed.in) {
      ++one;
    } else if (one > 0) {
      --one;
    }
  };
  if (changed.by.empty()) {
    move(count->own);
    co_return LCG_OK;
  }
  Outcome<Caused> found = co_await caused(std::move(user), changed.by);
  if (!found.ok()) co_return LCG_E_BUSY;
  Caused& c = found.value;
  const auto of = [&changed](Caused& all) -> uint64_t& { return changed.direct ? all.directs : all.groups; };
  if (!changed.in && (changed.came <= c.forgiven || of(c) == 0)) co_return LCG_OK;  // it was forgiven
  move(of(c));
  move(of(count->caused));
  if (c.groups + c.directs + c.forgiven == 0) {
    batch->erase(kUserCausedDocs, changed.by);
  } else {
    batch->put(kUserCausedDocs, changed.by, encode(c));
  }
  co_return LCG_OK;
}

Task<lcg_status> Inbox::recount(std::string user, UserDialog changed, uint64_t old_iseq, Before before,
                                storage::Batch* batch) {
  if (before == Before::kLeft) batch->erase(kUserLeftDocs, storage::key_u64(old_iseq));
  if (!changed.in) batch->put(kUserLeftDocs, storage::key_u64(changed.iseq), changed.dialog);
  if (before == Before::kLeft && !changed.in) co_return LCG_OK;
  Outcome<ListCount> read = co_await count(user);
  if (!read.ok()) co_return LCG_E_BUSY;
  ListCount c = read.value;
  const lcg_status counted = co_await recount_cause(user, changed, &c, batch);
  if (counted != LCG_OK) co_return counted;
  if (before == Before::kIn && c.in > 0) --c.in;
  if (before == Before::kLeft && c.left > 0) --c.left;
  ++(changed.in ? c.in : c.left);
  if (c.left > kMaxLeft) {
    Outcome<storage::ScanRows> oldest = co_await store_.scan(user, {kUserLeftDocs, "", "", 1, false});
    if (!oldest.ok()) co_return LCG_E_BUSY;
    for (const storage::Row& row : oldest.value.rows) {
      batch->erase(kUserLeftDocs, row.key).erase(kUserChangeDocs, row.key).erase(kUserDialogDocs, row.value);
      c.forgotten = storage::u64_of_key(row.key);
      --c.left;
    }
  }
  batch->put(kUserCountDocs, "list", encode(c));
  co_return LCG_OK;
}

}  // namespace lcg::dialog
