// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/fair_queue.h"

#include <algorithm>

namespace lcg::uaa {

FairQueue::Wait::~Wait() {
  if (line_ != nullptr) queue_->leave(*this);
  if (has_turn_) queue_->give_back();
}

bool FairQueue::Wait::await_ready() {
  if (queue_->stopped_) status_ = LCG_E_CANCELLED;
  if (status_ == LCG_OK && queue_->is_over(*this)) status_ = LCG_E_TIMEOUT;
  if (status_ != LCG_OK) return true;
  if (queue_->busy_ < queue_->rules_.turns) {
    ++queue_->busy_;
    has_turn_ = true;
    return true;
  }
  Ring& ring = queue_->ring_of(*this);
  const auto own = ring.by_key.find(asker_.key);
  const size_t size = own == ring.by_key.end() ? 0 : own->second->waits.size();
  if (size >= queue_->rules_.per_key || !queue_->make_room(ring, size)) status_ = LCG_E_BUSY;
  return status_ != LCG_OK;
}

void FairQueue::Wait::await_suspend(std::coroutine_handle<> h) {
  handle = h;
  queue_->stand(*this);
}

Outcome<FairQueue::Turn> FairQueue::Wait::await_resume() noexcept {
  Outcome<Turn> out;
  out.status = status_;
  if (std::exchange(has_turn_, false)) out.value = Turn(queue_);
  return out;
}

// Leaves the line with a turn, or with why there will be none.
void FairQueue::Wait::settle(lcg_status status) noexcept {
  queue_->leave(*this);
  status_ = status;
  has_turn_ = status == LCG_OK;
  detail::schedule(*this);
}

bool FairQueue::is_over(const Wait& wait) const {
  const Asker& asker = wait.asker_;
  return (asker.deadline_ns != 0 && asker.deadline_ns <= now_()) || (asker.cancelled && *asker.cancelled);
}

// For one whose own line has `own`. Only at the cost of a line that is longer even then.
bool FairQueue::make_room(Ring& ring, size_t own) {
  if (ring.waiting < rules_.waiting) return true;
  const auto longest =
      std::max_element(ring.lines.begin(), ring.lines.end(),
                       [](const Line& a, const Line& b) { return a.waits.size() < b.waits.size(); });
  if (longest == ring.lines.end() || longest->waits.size() < own + 2) return false;
  longest->waits.back()->settle(LCG_E_BUSY);
  return true;
}

void FairQueue::stand(Wait& wait) {
  Ring& ring = ring_of(wait);
  auto found = ring.by_key.find(wait.asker_.key);
  if (found == ring.by_key.end()) {
    ring.lines.emplace_back();
    const auto line = std::prev(ring.lines.end());
    line->key = wait.asker_.key;
    found = ring.by_key.emplace(line->key, line).first;
  }
  Line& line = *found->second;
  line.waits.push_back(&wait);
  ++ring.waiting;
  wait.line_ = &line;
}

void FairQueue::leave(Wait& wait) noexcept {
  Ring& ring = ring_of(wait);
  Line& line = *std::exchange(wait.line_, nullptr);
  std::erase(line.waits, &wait);
  --ring.waiting;
  if (!line.waits.empty()) return;
  const auto found = ring.by_key.find(line.key);
  const auto place = found->second;
  ring.by_key.erase(found);
  ring.lines.erase(place);
}

FairQueue::Ring* FairQueue::next_ring() noexcept {
  Ring& logins = rings_[static_cast<size_t>(Kind::kLogin)];
  Ring& registrations = rings_[static_cast<size_t>(Kind::kRegistration)];
  if (registrations.waiting == 0) return logins.waiting == 0 ? nullptr : &logins;
  if (logins.waiting > 0 && ++given_ < kOneOf) return &logins;
  given_ = 0;
  return &registrations;
}

// The turn goes to the next line's first; that line then stands behind the others.
void FairQueue::give_back() noexcept {
  while (Ring* ring = next_ring()) {
    Line& line = ring->lines.front();
    Wait& first = *line.waits.front();
    if (line.waits.size() > 1) ring->lines.splice(ring->lines.end(), ring->lines, ring->lines.begin());
    const bool over = is_over(first);
    first.settle(over ? LCG_E_TIMEOUT : LCG_OK);
    if (!over) return;
  }
  --busy_;
}

void FairQueue::stop() {
  stopped_ = true;
  for (Ring& ring : rings_)
    while (ring.waiting > 0) ring.lines.front().waits.front()->settle(LCG_E_CANCELLED);
}

}  // namespace lcg::uaa
