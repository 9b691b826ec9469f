#include "base/sim_lane.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace lcg {
namespace {

constexpr uint64_t kMaxTurnTasks = 8;
constexpr uint64_t kMaxBlockingMs = 20;

}  // namespace

uint64_t SimRandom::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

void SimRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    uint64_t value = next();
    size_t count = std::min(out.size(), sizeof(value));
    std::memcpy(out.data(), &value, count);
    out = out.subspan(count);
  }
}

SimLane::SimLane(SimWorld& world, unsigned index, uint64_t id, uint64_t seed)
    : world_(world), index_(index), id_(id), random_(seed), timers_(world.clock_.mono()) {}

bool SimLane::is_current() const noexcept { return world_.current_ == this; }

const Clock& SimLane::clock() const noexcept { return world_.clock_; }

void SimLane::post(LaneTask task) {
  uint64_t sender = world_.current_ == nullptr ? 0 : world_.current_->id_;
  auto inbox =
      std::find_if(inboxes_.begin(), inboxes_.end(), [&](const Inbox& i) { return i.sender == sender; });
  if (inbox == inboxes_.end()) {
    inboxes_.push_back(Inbox{sender, {}});
    inbox = std::prev(inboxes_.end());
  }
  inbox->tasks.push_back(std::move(task));
  ++queued_;
}

bool SimLane::try_post(LaneTask task) {
  if (queued_ >= kMailboxLimit) return false;
  post(std::move(task));
  return true;
}

void SimLane::at_turn_end(LaneTask task) { turn_end_.push_back(std::move(task)); }

TimerId SimLane::start_timer(Millis delay, LaneTask task) {
  return timers_.start(world_.clock_.mono(), delay, std::move(task));
}

bool SimLane::runnable() const {
  if (queued_ > 0 || !turn_end_.empty()) return true;
  std::optional<MonoTime> next = timers_.next();
  return next && *next <= world_.clock_.mono();
}

bool SimLane::run_one_task() {
  if (queued_ == 0) return false;
  auto waiting = static_cast<uint64_t>(
      std::count_if(inboxes_.begin(), inboxes_.end(), [](const Inbox& i) { return !i.tasks.empty(); }));
  uint64_t chosen = world_.draw(waiting);
  for (Inbox& inbox : inboxes_) {
    if (inbox.tasks.empty() || chosen-- > 0) continue;
    LaneTask task = std::move(inbox.tasks.front());
    inbox.tasks.pop_front();
    --queued_;
    world_.note(inbox.sender);
    task();
    return true;
  }
  return false;
}

void SimLane::turn() {
  for (uint64_t tasks = 1 + world_.draw(kMaxTurnTasks); tasks > 0 && run_one_task(); --tasks) {
  }
  timers_.expire(world_.clock_.mono(), SIZE_MAX, [](LaneTask& task) { task(); });
  while (!turn_end_.empty()) {
    std::vector<LaneTask> round = std::exchange(turn_end_, {});
    for (LaneTask& task : round) task();
  }
}

// One simulated thread: a job starts when the one before has ended and takes a drawn time.
class SimWorld::Pool final : public BlockingPool {
 public:
  explicit Pool(SimWorld& world) : world_(world) {}

  Status run(LaneTask work, Lane& back, LaneTask done) override {
    SimLane& thread = *world_.pool_lane_;
    MonoTime now = world_.clock_.mono();
    free_at_ = std::max(free_at_, now) + Millis(world_.draw(kMaxBlockingMs + 1));
    auto delay = std::chrono::ceil<Millis>(free_at_ - now);
    thread.start_timer(delay, [work = std::move(work), back = &back, done = std::move(done)]() mutable {
      work();
      work = nullptr;
      back->post(std::move(done));
    });
    return {};
  }

 private:
  SimWorld& world_;
  MonoTime free_at_;
};

SimWorld::SimWorld(uint64_t seed, unsigned lanes) : schedule_(seed), test_random_(~seed) {
  for (unsigned i = 0; i < lanes; ++i) add_lane(i);
  pool_lane_.reset(new SimLane(*this, ~0u, ~uint64_t{0}, seed));
  pool_ = std::make_unique<Pool>(*this);
}

SimWorld::~SimWorld() {
  // Tasks and timers may own what others refer to: drop them lane by lane, while every lane still exists.
  for (auto& lane : lanes_) {
    on(*lane, [&] {
      lane->inboxes_.clear();
      lane->turn_end_.clear();
      lane->timers_.clear();
    });
  }
}

BlockingPool& SimWorld::blocking_pool() { return *pool_; }

SimLane& SimWorld::add_lane(unsigned index) {
  uint64_t id = lanes_.size() + 1;
  lanes_.emplace_back(new SimLane(*this, index, id, schedule_.next()));
  return *lanes_.back();
}

void SimWorld::note(uint64_t fact) { fingerprint_ = (fingerprint_ ^ (fact + 1)) * 0x100000001B3u; }

bool SimWorld::step() {
  uint64_t runnable = pool_lane_->runnable() ? 1u : 0u;
  for (const auto& lane : lanes_) runnable += lane->runnable() ? 1u : 0u;
  if (runnable == 0) return false;
  uint64_t chosen = draw(runnable);
  SimLane* lane = pool_lane_.get();
  for (const auto& candidate : lanes_) {
    if (candidate->runnable() && chosen-- == 0) {
      lane = candidate.get();
      break;
    }
  }
  ++turns_;
  note(lane->id_);
  on(*lane, [&] { lane->turn(); });
  return true;
}

void SimWorld::run_until_idle() {
  for (uint64_t turns = 0; step(); ++turns) {
    if (turns == kMaxTurns) die("simulation: lanes keep each other busy without time passing");
  }
}

std::optional<MonoTime> SimWorld::next_timer() const {
  std::optional<MonoTime> earliest = pool_lane_->timers_.next();
  for (const auto& lane : lanes_) {
    std::optional<MonoTime> next = lane->timers_.next();
    if (next && (!earliest || *next < *earliest)) earliest = next;
  }
  return earliest;
}

void SimWorld::run_for(Nanos duration) {
  run_until([] { return false; }, duration);
}

bool SimWorld::run_until(const std::function<bool()>& condition, Nanos limit) {
  MonoTime end = clock_.now_ + limit;
  if (condition()) return true;
  for (uint64_t turns = 0;; ++turns) {
    if (turns == kMaxTurns) die("simulation: no end after 50,000,000 turns");
    if (step()) {
      if (condition()) return true;
      continue;
    }
    std::optional<MonoTime> next = next_timer();
    if (!next || *next > end) break;
    clock_.now_ = std::max(clock_.now_, *next);
  }
  clock_.now_ = end;
  return condition();
}

}  // namespace lcg
