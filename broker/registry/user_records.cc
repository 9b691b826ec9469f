#include "broker/registry/user_records.h"

#include <utility>

#include "base/log.h"
#include "broker/error_table.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {
namespace {

constexpr const char* kBlock = "user_block";
constexpr const char* kStatus = "user_status";
constexpr const char* kKey = "record";
constexpr uint64_t kFormat = 1;

std::string encode(int64_t ms) { return wire::Writer().u64(kFormat).u64(static_cast<uint64_t>(ms)).take(); }

std::optional<int64_t> decode(std::string_view document) {
  wire::Reader reader(document);
  const uint64_t format = reader.u64();
  const uint64_t ms = reader.u64();
  if (!reader.ok() || format != kFormat || ms > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<int64_t>(ms);
}

ServiceCall commit(const std::string& user, const storage::Batch& batch) {
  return {"storage", "commit", user, batch.encode(), "host", 0};
}

}  // namespace

void UserRecords::read(const char* collection, const std::string& user, TimeFn done) {
  if (!stored_) return lane_.post([done = std::move(done)]() mutable { done({}, 0); });
  ServiceCall get{"storage", "get", user, {}, "host", 0};
  get.data = wire::Writer().str(collection).str(kKey).take();
  host_.call(std::move(get), kStoreTimeout,
             [collection, done = std::move(done)](const ServiceCallResponse& answer) mutable {
               if (answer.status == LCG_E_NOT_FOUND) return done({}, 0);
               if (answer.status != LCG_OK) return done(outcome_of_call(answer, error_code::kInternal), 0);
               if (const std::optional<int64_t> ms = decode(answer.data)) return done({}, *ms);
               log::error("a document of a user cannot be read", {{"collection", collection}});
               done({make_error(error_code::kInternal), {}}, 0);
             });
}

void UserRecords::read_block(const std::string& user, TimeFn done) { read(kBlock, user, std::move(done)); }

void UserRecords::write_block(const std::string& user, int64_t until_ms, DoneFn done) {
  if (!stored_) {
    Error error = make_error(error_code::kNotAvailable);
    error.message = "not available: no plugin provides the service 'storage'";
    return lane_.post([error, done = std::move(done)]() mutable { done({std::move(error), {}}); });
  }
  storage::Batch batch;
  if (until_ms == 0)
    batch.erase(kBlock, kKey);
  else
    batch.put(kBlock, kKey, encode(until_ms));
  host_.call(commit(user, batch), kStoreTimeout,
             [done = std::move(done)](const ServiceCallResponse& answer) mutable {
               done(outcome_of_call(answer, error_code::kInternal));
             });
}

void UserRecords::read_seen(const std::string& user, TimeFn done) {
  if (const auto* found = unwritten_.find(user); found != nullptr) {
    lane_.post([at_ms = found->value, done = std::move(done)]() mutable { done({}, at_ms); });
    return;
  }
  read(kStatus, user, std::move(done));
}

void UserRecords::seen(const std::string& user, int64_t at_ms) {
  if (!stored_) return;
  if (unwritten_.size() >= kMaxUnwritten && !unwritten_.contains(user)) {
    ++lost_;
    return;
  }
  queue(user, at_ms, true);
  pump();
}

void UserRecords::queue(const std::string& user, int64_t at_ms, bool newer) {
  const auto [entry, fresh] = unwritten_.try_emplace(user, at_ms);
  if (fresh) order_.push_back(user);
  if (newer) entry->value = at_ms;
}

void UserRecords::pump() {
  while (!paused_ && writing_ < kMaxWrites && !unwritten_.empty()) {
    const std::string next = std::move(order_.front());
    order_.pop_front();
    const std::optional<int64_t> next_ms = unwritten_.take(next);
    if (!next_ms) continue;
    storage::Batch batch;
    batch.put(kStatus, kKey, encode(*next_ms));
    batch.durable = false;
    ++writing_;
    host_.call(commit(next, batch), kStoreTimeout,
               [this, user = next, at_ms = *next_ms](const ServiceCallResponse& answer) {
                 written(user, at_ms, answer.status);
               });
  }
}

void UserRecords::written(const std::string& user, int64_t at_ms, int32_t status) {
  --writing_;
  const bool again = status != LCG_OK && status != LCG_E_FENCED && status != LCG_E_INVALID;
  // A later time may have come meanwhile: it stays.
  if (again) queue(user, at_ms, false);
  if (again && !paused_) {
    log::warn("the store does not take when users were seen",
              {{"status", status}, {"waiting", unwritten_.size()}, {"lost", std::exchange(lost_, 0)}});
    paused_ = true;
    lane_.start_timer(kRetryAfter, [this] {
      paused_ = false;
      pump();
    });
  }
  pump();
}

}  // namespace lcg::broker
