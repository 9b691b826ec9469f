#include "broker/channel/durable_channel.h"

#include <algorithm>
#include <utility>

#include "broker/channel/idempotency.h"

namespace lcg::broker {
namespace {

uint32_t ring_size(const ChannelOptions& options) {
  return std::min(options.history_size, kMaxHistoryPublications);
}

template <class Response>
Response refused(const Outcome& why) {
  Response out;
  static_cast<Outcome&>(out) = why;
  return out;
}

}  // namespace

DurableChannel::DurableChannel(ChannelContext& context, std::string name, const ChannelOptions& options)
    : StreamChannel(context, std::move(name), options), last_use_(context.lane.now()) {}

bool DurableChannel::busy() const {
  return Channel::busy() || asking_ || !waiting_.empty() || !for_head_.empty() || !for_tail_.empty();
}

// --- what the store has --------------------------------------------------------------------------

void DurableChannel::when_loaded(ReadyFn ready) {
  last_use_ = context_.lane.now();
  if (head_) return ready({});
  for_head_.push_back(std::move(ready));
  step();
}

void DurableChannel::when_tail(ReadyFn ready) {
  last_use_ = context_.lane.now();
  if (head_ && tail_known_) return ready({});
  for_tail_.push_back(std::move(ready));
  step();
}

// Whatever is next, one thing at a time.
void DurableChannel::step() {
  if (asking_ || run_ready()) return;
  if (!head_ && (!for_tail_.empty() || !waiting_.empty() || !for_head_.empty())) return load();
  if (!for_tail_.empty()) return read_tail({}, 0);
  if (!waiting_.empty()) return write();
  context_.idle(*this);
}

// True: what waited ran, and step() with it.
bool DurableChannel::run_ready() {
  std::vector<ReadyFn> ready;
  if (head_) ready = std::exchange(for_head_, {});
  if (head_ && tail_known_)
    for (ReadyFn& next : std::exchange(for_tail_, {})) ready.push_back(std::move(next));
  if (ready.empty()) return false;
  for (ReadyFn& next : ready) next({});
  step();
  return true;
}

void DurableChannel::load() {
  asking_ = true;
  context_.store.read_head(name(), [this, self = shared_from_this()](Outcome outcome, StoredHead head) {
    asking_ = false;
    loaded(std::move(outcome), std::move(head));
  });
}

void DurableChannel::loaded(Outcome outcome, StoredHead head) {
  if (!outcome.ok()) return fail_all(outcome);
  if (head.version != 0)
    version_ = std::make_unique<Version>(Version{head.version, std::move(head.version_epoch)});
  stream_ = std::make_unique<Stream>(ring_size(options()), options().history_ttl, head.top);
  head_ = std::make_unique<StoredHead>(std::move(head));
  tail_known_ = first_kept() > head_->top.offset;
  const bool missed = sent_ && sent_->epoch == head_->top.epoch && sent_->offset < head_->top.offset;
  if (missed && !members().empty()) return send_what_was_written(sent_->offset + 1);
  sent_.reset();
  step();
}

// The store is asked anew at the next use.
void DurableChannel::forget() {
  if (stream_ != nullptr && !sent_ && !members().empty()) sent_ = stream_->top();
  head_.reset();
  stream_ = nullptr;
  version_ = nullptr;
  tail_known_ = false;
}

void DurableChannel::fail_all(const Outcome& why) {
  forget();
  std::vector<ReadyFn> ready = std::exchange(for_head_, {});
  for (ReadyFn& next : std::exchange(for_tail_, {})) ready.push_back(std::move(next));
  std::deque<Item> items = std::exchange(waiting_, {});
  waiting_bytes_ = 0;
  for (ReadyFn& next : ready) next(why);
  for (Item& item : items)
    for (PublishFn& done : item.done) done(refused<PublishResponse>(why));
  try_again();
  step();
}

// A batch was not answered, and was written all the same: who listens has to see it, before anything that follows.
void DurableChannel::send_what_was_written(uint64_t from) {
  asking_ = true;
  context_.store.read(name(), head_->top.epoch, {from, head_->top.offset, false, kBatchRows},
                      [this, self = shared_from_this(), from](const Outcome& outcome,
                                                              const std::vector<StoredRow>& rows, bool) {
                        asking_ = false;
                        if (!outcome.ok()) return fail_all(outcome);
                        for (const StoredRow& row : rows) fan_out(row.publication);
                        const uint64_t last = rows.empty() ? from : rows.back().publication->offset;
                        if (sent_) sent_->offset = last;
                        if (!rows.empty() && last < head_->top.offset) return send_what_was_written(last + 1);
                        sent_.reset();
                        step();
                      });
}

// Until it is known what became of a batch, for those who listen.
void DurableChannel::try_again() {
  if (!sent_ || members().empty()) return;
  context_.lane.start_timer(kRetryEvery, [weak = weak_from_this()] {
    const std::shared_ptr<Channel> self = weak.lock();
    if (self == nullptr) return;
    auto& channel = static_cast<DurableChannel&>(*self);
    if (channel.head_ || !channel.sent_ || channel.asking_) return;
    channel.for_head_.emplace_back([](const Outcome&) {});
    channel.step();
  });
}

// From the newest that is not in memory towards the oldest that a recovery may give.
void DurableChannel::read_tail(std::vector<PublicationPtr> newest_first, size_t bytes) {
  const uint64_t first = first_kept();
  const uint64_t last = (newest_first.empty() ? stream_->oldest() : newest_first.back()->offset) - 1;
  const size_t have = stream_->kept() + newest_first.size();
  if (last < first || have >= ring_size(options()) || bytes >= options().recovery_bytes)
    return tail_ends(std::move(newest_first));
  asking_ = true;
  const auto limit = static_cast<uint32_t>(ring_size(options()) - have);
  context_.store.read(name(), head_->top.epoch, {first, last, true, limit},
                      [this, self = shared_from_this(), last, bytes, newest_first = std::move(newest_first)](
                          Outcome outcome, std::vector<StoredRow> rows, bool) mutable {
                        asking_ = false;
                        if (!outcome.ok()) return fail_all(outcome);
                        uint64_t expected = last;
                        size_t more_bytes = bytes;
                        for (StoredRow& row : rows) {
                          if (row.publication->offset != expected) break;
                          --expected;
                          more_bytes += row.publication->data.size();
                          newest_first.push_back(std::move(row.publication));
                        }
                        if (expected == last) return tail_ends(std::move(newest_first));
                        read_tail(std::move(newest_first), more_bytes);
                      });
}

void DurableChannel::tail_ends(std::vector<PublicationPtr> newest_first) {
  std::reverse(newest_first.begin(), newest_first.end());
  // The stream's contents expired meanwhile.
  if (!newest_first.empty() && newest_first.back()->offset + 1 != stream_->oldest()) newest_first.clear();
  const Millis age{std::max<int64_t>(0, wall_ms() - head_->last_ms)};
  stream_->put_before(std::move(newest_first), context_.lane.now() + -age);
  tail_known_ = true;
  step();
}

// Contents expire as a whole, history_ttl after the last publication, as those in memory do.
uint64_t DurableChannel::first_kept() {
  if (wall_ms() >= head_->contents_until_ms) head_->first = head_->top.offset + 1;
  const uint64_t by_size =
      head_->top.offset - std::min<uint64_t>(head_->top.offset, options().history_size) + 1;
  return std::max(head_->first, by_size);
}

// --- publishing ----------------------------------------------------------------------------------

void DurableChannel::publish(PublishRequest request, PublishOptions options, PublishFn done) {
  Item item;
  item.publication = made_of(request, options);
  item.options = std::move(options);
  item.done.push_back(std::move(done));
  add(std::move(item));
}

void DurableChannel::server_publish(ServerPublish publish, PublishFn done) {
  PublishResponse answer;
  if (refuse_positions(publish, answer)) return done(std::move(answer));
  Item item;
  item.publication = std::make_shared<Publication>(std::move(publish.publication));
  item.publication->tags = std::move(publish.options.tags);
  item.options = std::move(publish.options);
  item.done.push_back(std::move(done));
  add(std::move(item));
}

void DurableChannel::remove_history(HistoryRemoveFn done) {
  Item item;
  item.done.push_back([done = std::move(done)](PublishResponse answer) mutable {
    done(refused<HistoryRemoveResponse>(answer));
  });
  add(std::move(item));
}

DurableChannel::Item* DurableChannel::under_way(const std::string& key) {
  const auto same = [&](const Item& item) { return item.options.idempotency_key == key; };
  if (writing_ != nullptr)
    if (const auto found = std::find_if(writing_->begin(), writing_->end(), same); found != writing_->end())
      return &*found;
  const auto found = std::find_if(waiting_.begin(), waiting_.end(), same);
  return found == waiting_.end() ? nullptr : &*found;
}

void DurableChannel::add(Item item) {
  last_use_ = context_.lane.now();
  const std::string& key = item.options.idempotency_key;
  if (!key.empty()) {
    if (Item* first = under_way(key)) return first->done.push_back(std::move(item.done.front()));
  }
  if (item.bytes() > PublicationStore::kMaxRowBytes) {
    PublishResponse answer;
    answer.error = make_error(error_code::kBadRequest);
    answer.error.message += ": with history: durable a publication has at most " +
                            std::to_string(PublicationStore::kMaxRowBytes) + " bytes, tags and info included";
    return item.done.front()(std::move(answer));
  }
  if (waiting_.size() >= kMaxWaiting || waiting_bytes_ + item.bytes() > kMaxWaitingBytes) {
    PublishResponse answer;
    answer.error = make_error(error_code::kTooManyRequests);
    answer.error.message += ": the store is behind with this channel";
    return item.done.front()(std::move(answer));
  }
  waiting_bytes_ += item.bytes();
  waiting_.push_back(std::move(item));
  step();
}

// All that waits, as far as one batch takes it. REQUIRES: the head.
void DurableChannel::write() {
  if (look_up_keys()) return;
  std::vector<Item> items;
  std::vector<StoredRow> rows;
  PublicationStore::Keys keys;
  size_t bytes = 0;
  bool removes = false;
  while (!waiting_.empty() && !removes && rows.size() < kBatchRows && bytes < kBatchBytes) {
    removes = waiting_.front().publication == nullptr;
    if (removes && !items.empty()) {
      removes = false;
      break;
    }
    if (!waiting_.front().looked_up && !items.empty()) break;
    Item item = take_next();
    bytes += item.bytes();
    if (item.keeps()) rows.push_back({item.publication, wall_ms()});
    if (item.sends() && !item.options.idempotency_key.empty())
      keys.emplace_back(item.options.idempotency_key, item.keeps() ? head_->top.offset + rows.size() : 0);
    items.push_back(std::move(item));
  }
  removes = removes && head_->top.offset > 0;
  StoredHead head = head_after(rows.size(), removes);
  if (rows.empty() && keys.empty() && !removes) return written(std::move(items), *head_, {});
  asking_ = true;
  auto batch = std::make_shared<std::pair<std::vector<Item>, StoredHead>>(std::move(items), std::move(head));
  writing_ = &batch->first;
  context_.store.write(name(), batch->second, rows, keys,
                       [this, self = shared_from_this(), batch](const Outcome& outcome) {
                         asking_ = false;
                         writing_ = nullptr;
                         written(std::move(batch->first), std::move(batch->second), outcome);
                       });
}

// True: the store is asked for keys that this process does not know, of all that the next batch may take.
bool DurableChannel::look_up_keys() {
  std::vector<size_t> unknown;
  for (size_t i = 0; i < waiting_.size() && i < kBatchRows; ++i) {
    Item& item = waiting_[i];
    if (item.options.idempotency_key.empty() || !context_.store.may_have_keys()) item.looked_up = true;
    if (!std::exchange(item.looked_up, true)) unknown.push_back(i);
  }
  if (unknown.empty()) return false;
  asking_ = true;
  // Nothing leaves waiting_ meanwhile, and what comes stands behind.
  struct Looks {
    size_t left;
    Outcome worst;
  };
  auto looks = std::make_shared<Looks>(Looks{unknown.size(), {}});
  for (const size_t i : unknown) {
    context_.store.find_key(
        name(), waiting_[i].options.idempotency_key,
        [this, self = shared_from_this(), i, looks](Outcome outcome, std::optional<uint64_t> offset) {
          if (!outcome.ok()) looks->worst = std::move(outcome);
          if (offset)
            waiting_[i].former = *offset == 0 ? StreamPosition() : StreamPosition{*offset, head_->top.epoch};
          if (--looks->left > 0) return;
          asking_ = false;
          if (!looks->worst.ok()) return fail_all(looks->worst);
          step();
        });
  }
  return true;
}

DurableChannel::Item DurableChannel::take_next() {
  Item item = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= item.bytes();
  if (item.publication == nullptr) return item;
  if (!item.former) item.stale = is_stale(item.options);
  return item;
}

StoredHead DurableChannel::head_after(size_t rows, bool removes) const {
  StoredHead head = *head_;
  head.top.offset += rows;
  const uint64_t kept = std::min<uint64_t>(head.top.offset, options().history_size);
  head.first = removes ? head.top.offset + 1 : std::max(head.first, head.top.offset - kept + 1);
  if (version_ != nullptr) {
    head.version = version_->number;
    head.version_epoch = version_->epoch;
  }
  if (rows == 0) return head;
  head.last_ms = wall_ms();
  head.contents_until_ms = head.last_ms + options().history_ttl.count();
  head.forget_at_ms = head.last_ms + std::max(options().history_ttl, options().history_meta_ttl).count();
  if (head.due_ms <= head.last_ms) head.due_ms = PublicationStore::due_after(head.contents_until_ms);
  return head;
}

void DurableChannel::written(std::vector<Item> items, StoredHead head, const Outcome& outcome) {
  std::vector<PublishResponse> answers(items.size());
  if (outcome.ok()) {
    head_ = std::make_unique<StoredHead>(std::move(head));
    for (size_t i = 0; i < items.size(); ++i) {
      Item& item = items[i];
      if (item.publication == nullptr) stream_->clear();
      answers[i].position = item.former    ? *item.former
                            : item.sends() ? deliver(item.publication, item.options)
                                           : stream_->top();
    }
    // Of a history that went more rows are there than one batch erases.
    if (items.front().publication == nullptr && head_->oldest_row < head_->first) waiting_.emplace_front();
  } else {
    forget();
    // Who listens hears soon what was written all the same.
    if (sent_) for_head_.emplace_back([](const Outcome&) {});
    for (PublishResponse& answer : answers) static_cast<Outcome&>(answer) = outcome;
  }
  for (size_t i = 0; i < items.size(); ++i)
    for (PublishFn& done : items[i].done) done(answers[i]);
  step();
}

// --- reading -------------------------------------------------------------------------------------

void DurableChannel::attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis,
                            SubscribeFn done) {
  Wanted wanted;
  SubscribeResponse answer = opened(request, grant, wanted);
  if (!wanted.position) return done(std::move(answer));
  ReadyFn ready = [this, &request, wanted, answer = std::move(answer),
                   done = std::move(done)](const Outcome& outcome) mutable {
    if (!outcome.ok()) return done(refused<SubscribeResponse>(outcome));
    recover(request, wanted, answer);
    done(std::move(answer));
  };
  if (wanted.publications()) return when_tail(std::move(ready));
  when_loaded(std::move(ready));
}

void DurableChannel::history(HistoryRequest request, HistoryFn done) {
  when_loaded([this, request = std::move(request), done = std::move(done)](const Outcome& outcome) mutable {
    if (!outcome.ok()) return done(refused<HistoryResponse>(outcome));
    if (request.limit == 0 || in_memory(request)) return done(read(request));
    read_pages(request, std::move(done));
  });
}

bool DurableChannel::in_memory(const HistoryRequest& request) {
  const uint64_t oldest = stream_->oldest();
  if (oldest <= first_kept()) return true;
  if (!request.reverse) return request.has_since && request.since.offset >= oldest - 1;
  const uint64_t top = stream_->top().offset;
  const uint64_t end = request.has_since ? std::min(top + 1, request.since.offset) : top + 1;
  return end >= oldest && end - oldest >= history_limit(request.limit);
}

void DurableChannel::read_pages(const HistoryRequest& request, HistoryFn done) {
  HistoryResponse answer;
  if (!is_of(stream_->top(), request, answer)) return done(std::move(answer));
  PublicationStore::Range range{first_kept(), answer.position.offset, request.reverse,
                                history_limit(request.limit)};
  if (request.has_since && request.reverse)
    range.last = std::min(range.last, request.since.offset - 1);
  else if (request.has_since && request.since.offset >= range.first)
    range.first = request.since.offset + 1;
  if (range.first > range.last) return done(std::move(answer));
  const std::string epoch = answer.position.epoch;
  context_.store.read(name(), epoch, range,
                      [self = shared_from_this(), answer = std::move(answer), done = std::move(done)](
                          const Outcome& outcome, std::vector<StoredRow> rows, bool) mutable {
                        if (!outcome.ok()) return done(refused<HistoryResponse>(outcome));
                        size_t bytes = 0;
                        for (StoredRow& row : rows) {
                          if (bytes >= kMaxAnswerBytes) break;
                          bytes += row.publication->data.size();
                          answer.publications.push_back(std::move(row.publication));
                        }
                        done(std::move(answer));
                      });
}

std::optional<MonoTime> DurableChannel::maintain(MonoTime now) {
  if (members().empty()) {
    if (now >= last_use_ + kLinger) return std::nullopt;
    return last_use_ + kLinger;
  }
  if (stream_ == nullptr) return kNever;
  const MonoTime contents = stream_->expire(now);
  return stream_->kept() > 0 ? contents : kNever;
}

}  // namespace lcg::broker
