// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/event_pump.h"

#include <algorithm>
#include <utility>

#include "plugins/http_callback/headers.h"
#include "plugins/http_callback/post_op.h"

namespace lcg::http_callback {
namespace {

constexpr size_t kBatchBytes = 256u << 10;  // a batch is closed once it has this much
constexpr uint32_t kReadRetryMs = 500;      // after the store or a dialog could not be read
constexpr int64_t kReportNs = 60'000'000'000;

// The back end understood, and says no to this very batch. 401, 403, 404, 408 and 429 are about all batches.
bool is_refusal(long status) { return status == 400 || status == 413 || status == 415 || status == 422; }

}  // namespace

EventPump::EventPump(Host host, Poster& poster, const Settings& settings, EventLog& log, MessageFeed& feed)
    : host_(host),
      poster_(poster),
      settings_(settings.events),
      back_end_(settings.find(settings.events.back_end)),
      log_(log),
      feed_(feed) {}

void EventPump::news(uint32_t number) {
  Slot& slot = slots_[number];
  if (slot.out) slot.again = true;
  if (slot.out || std::exchange(slot.queued, true)) return;
  queue_.push_back(number);
  start_workers();
}

void EventPump::start_workers() {
  const uint32_t wanted = failures_ > 0 ? 1 : settings_.parallel;
  if (workers_ >= wanted || queue_.empty()) return;
  ++workers_;
  if (!host_.spawn(work())) --workers_;
}

// A slot of a batch is free again.
void EventPump::release(uint32_t number, bool more) {
  const auto it = slots_.find(number);
  if (it == slots_.end()) return;
  it->second.out = false;
  if (std::exchange(it->second.again, false) || more) news(number);
}

Task<> EventPump::work() {
  while (!queue_.empty() && !host_.stopping() && (failures_ == 0 || workers_ == 1)) {
    if (queue_.size() < settings_.batch) {
      const lcg_status slept = co_await host_.sleep(settings_.linger);
      if (slept != LCG_OK) break;
    }
    std::vector<Share> batch = co_await gather();
    if (batch.empty()) continue;
    const Answer answer = co_await post(body_of(batch));
    if (answer == Answer::kTaken) {
      co_await acknowledge(std::move(batch));
      start_workers();
    } else if (answer == Answer::kRefused) {
      refused(std::move(batch));
    } else {
      put_back(batch);
      batch.clear();  // it is read again, so that what is recalled meanwhile is not told
      if (answer == Answer::kStopping) break;
      const uint32_t delay_ms = backoff_ms(failures_);
      const lcg_status slept = co_await host_.sleep(delay_ms);
      if (slept != LCG_OK) break;
    }
  }
  --workers_;
  start_workers();
}

// --- batches -------------------------------------------------------------------------------------

Task<std::vector<EventPump::Share>> EventPump::gather() {
  std::vector<Share> batch;
  size_t count = 0, bytes = 0;
  while (!queue_.empty() && count < settings_.batch && bytes < kBatchBytes) {
    const uint32_t number = queue_.front();
    const uint32_t own_limit = slots_[number].limit;
    if (own_limit != 0 && !batch.empty()) break;  // goes alone
    queue_.pop_front();
    slots_[number].queued = false;
    slots_[number].out = true;
    const size_t room = own_limit != 0 ? own_limit : settings_.batch - count;
    Share share;
    share.slot = number;
    const bool read = co_await gather_slot(number, room, kBatchBytes - bytes, &share);
    if (!read) {
      host_.spawn(try_later(number, kReadRetryMs));
      continue;
    }
    if (share.count() == 0 && share.log.to < share.log.from && share.log.dropped == 0) {
      release(number, false);
      continue;
    }
    count += share.count();
    bytes += share.log.bytes + share.entries.bytes;
    batch.push_back(std::move(share));
    if (own_limit != 0) break;
  }
  co_return batch;
}

Task<bool> EventPump::gather_slot(uint32_t number, size_t limit, size_t max_bytes, Share* share) {
  Outcome<EventPage> log = co_await log_.next(number, limit, max_bytes);
  if (!log.ok()) co_return false;
  share->log = std::move(log.value);
  if (share->log.events.size() >= limit || share->log.bytes >= max_bytes) co_return true;
  const size_t room = limit - share->log.events.size();
  Outcome<EntryPage> entries = co_await feed_.next(number, room, max_bytes - share->log.bytes);
  if (!entries.ok()) co_return false;
  share->entries = std::move(entries.value);
  co_return true;
}

std::string EventPump::body_of(const std::vector<Share>& batch) {
  std::string body = "{\"events\":[";
  uint64_t dropped = 0;
  for (const Share& share : batch) {
    dropped += share.log.dropped;
    for (const auto* events : {&share.log.events, &share.entries.events}) {
      for (const std::string& event : *events) {
        if (body.back() != '[') body += ',';
        body += event;
      }
    }
  }
  body += ']';
  if (dropped != 0) body += ",\"dropped\":" + std::to_string(dropped);
  return body + '}';
}

Task<EventPump::Answer> EventPump::post(std::string body) {
  HttpRequest request;
  request.origin = back_end_->origin;
  request.url = back_end_->endpoint;
  request.headers = callback_headers(*back_end_, {});
  request.headers.push_back(callback_header("events"));
  request.body = std::move(body);
  request.timeout = settings_.timeout;
  request.repeatable = true;
  const HttpResult result = co_await PostOp(host_, &poster_, std::move(request));
  if (result.error == HttpResult::Error::kCancelled) co_return Answer::kStopping;
  if (result.error == HttpResult::Error::kNone && result.status == 200) {
    if (std::exchange(failures_, 0) != 0) host_.info("events are delivered again backend=" + back_end_->name);
    reported_ns_ = 0;
    co_return Answer::kTaken;
  }
  report(result);
  if (result.error == HttpResult::Error::kNone && is_refusal(result.status)) co_return Answer::kRefused;
  ++failures_;
  co_return Answer::kUnreachable;
}

void EventPump::report(const HttpResult& result) {
  const int64_t now_ns = host_.now_ns();
  if (reported_ns_ != 0 && now_ns - reported_ns_ < kReportNs) return;
  reported_ns_ = now_ns;
  host_.warn("events are not taken, they wait backend=" + back_end_->name +
             " reason=" + (result.what.empty() ? "status " + std::to_string(result.status) : result.what));
}

uint32_t EventPump::backoff_ms(uint32_t failures) const {
  const int64_t most = settings_.retry_max.count();
  int64_t delay = settings_.retry_min.count();
  for (uint32_t i = 1; i < failures && delay < most; ++i) delay *= 2;
  delay = std::min(delay, most);
  // Half of it is chance, so that the lanes do not come together.
  return static_cast<uint32_t>(
      delay / 2 + static_cast<int64_t>(host_.random_u64() % static_cast<uint64_t>(delay / 2 + 1)));
}

// --- afterwards ----------------------------------------------------------------------------------

Task<> EventPump::acknowledge(std::vector<Share> batch) {
  for (Share& share : batch) {
    const uint32_t number = share.slot;
    bool more = share.log.more;
    if (share.log.to >= share.log.from || share.log.dropped != 0) {
      const lcg_status kept = co_await log_.acknowledge(number, std::move(share.log));
      more = more || kept != LCG_OK;
    }
    if (!share.entries.reached.empty()) co_await feed_.acknowledge(number, std::move(share.entries));
    const auto it = slots_.find(number);
    if (it != slots_.end()) it->second.limit = it->second.refusals = 0;
    release(number, more || feed_.has_news(number));
  }
}

void EventPump::put_back(const std::vector<Share>& batch) {
  for (auto share = batch.rbegin(); share != batch.rend(); ++share) {
    feed_.put_back(share->slot, share->entries);
    const auto it = slots_.find(share->slot);
    if (it == slots_.end()) continue;
    it->second.out = it->second.again = false;
    if (!std::exchange(it->second.queued, true)) queue_.push_front(share->slot);
  }
}

void EventPump::refused(std::vector<Share> batch) {
  const bool alone = batch.size() == 1;
  for (const Share& share : batch) {
    feed_.put_back(share.slot, share.entries);
    const auto it = slots_.find(share.slot);
    if (it == slots_.end()) continue;
    Slot& slot = it->second;
    const auto count = static_cast<uint32_t>(share.count());
    if (!alone) {
      slot.limit = std::max<uint32_t>(count, 1);
      release(share.slot, true);
    } else if (count > 1) {
      slot.limit = count / 2;
      release(share.slot, true);
    } else {
      slot.limit = 1;
      ++slot.refusals;
      host_.spawn(try_later(share.slot, backoff_ms(slot.refusals)));
    }
  }
}

Task<> EventPump::try_later(uint32_t number, uint32_t delay_ms) {
  static_cast<void>(co_await host_.sleep(delay_ms));
  release(number, true);
}

}  // namespace lcg::http_callback
