// The same host on real lanes: what other threads may do, and that what they may not do is refused.
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/asio_lane.h"
#include "broker/host/testing_plugins.h"

namespace lcg::host {
namespace {

using testing::BareBroker;
using testing::LinkedPlugin;
using testing::Script;
using testing::Scripted;

// Counts to a number, from any thread.
class Latch {
 public:
  explicit Latch(int count) : left_(count) {}
  void down() {
    std::lock_guard lock(mutex_);
    if (--left_ <= 0) changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(60), [&] { return left_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int left_;
};

class RealProcess {
 public:
  static constexpr uint32_t kSlots = 16;
  RealProcess(unsigned lanes, std::vector<PluginSpec> specs)
      : pool_({2, 1024, "pool"}), lanes_({lanes, false}), bus_(kSlots, lanes) {
    std::vector<Lane*> all;
    for (unsigned i = 0; i < lanes; ++i) all.push_back(&lanes_[i]);
    auto made = PluginSet::make({}, std::move(specs), all, bus_, pool_);
    if (!made.ok()) return;
    set_ = std::move(made.value());
    for (unsigned i = 0; i < lanes; ++i) {
      brokers_.push_back(std::make_unique<BareBroker>(kSlots));
      brokers_.back()->host = &set_->host(i);
      bus_.serve(i, lanes_[i], *brokers_.back());
    }
    lanes_.start();
  }
  ~RealProcess() {
    lanes_.stop();
    lanes_.join();
    pool_.stop();
  }
  Status start() {
    return wait([&](StatusFn done) { set_->start_all(0, std::move(done)); });
  }
  Status stop() {
    return wait([&](StatusFn done) { set_->stop(std::move(done)); });
  }
  void run_chain(unsigned lane, ChainFn done) {
    lanes_[lane].post([this, lane, done = std::move(done)]() mutable {
      ChainRequest request;
      request.kind = LCG_REQ_RPC;
      set_->host(lane).run_chain(std::move(request), Millis(30'000), std::move(done));
    });
  }
  PluginSet& set() { return *set_; }
  AsioLane& lane(unsigned i) { return lanes_[i]; }

 private:
  template <class Begin>
  Status wait(Begin begin) {
    Latch latch(1);
    Status out(Code::kTimeout, "the test gave up waiting");
    begin([&](Status status) {
      out = std::move(status);
      latch.down();
    });
    latch.wait();
    return out;
  }
  ThreadBlockingPool pool_;
  LaneSet lanes_;
  BusLocal bus_;
  std::unique_ptr<PluginSet> set_;
  std::vector<std::unique_ptr<BareBroker>> brokers_;
};

TEST(Threads, OneOfEightRepliesWinsAndTheOthersAreStale) {
  constexpr int kRounds = 50;
  std::mutex mutex;
  std::vector<std::thread> threads;
  std::atomic<int> ok{0}, stale{0};
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    std::lock_guard lock(mutex);
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, token = r.token, me] {
        const lcg_status status = me.reply(token, LCG_OK, "from a thread");
        ++(status == LCG_OK ? ok : stale);
      });
    }
  };
  LinkedPlugin plugin("app", script);
  RealProcess process(1, {plugin.spec(true)});
  ASSERT_TRUE(process.start().ok());
  Latch latch(kRounds);
  std::atomic<int> answers{0};

  for (int i = 0; i < kRounds; ++i) {
    process.run_chain(0, [&](ChainResult result) {
      answers += result.status == LCG_OK && result.data.view() == "from a thread" ? 1 : 100;
      latch.down();
    });
  }
  ASSERT_TRUE(latch.wait());
  ASSERT_TRUE(process.stop().ok());
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(answers, kRounds);
  EXPECT_EQ(ok, kRounds);
  EXPECT_EQ(stale, 7 * kRounds);
}

// A clock that a callback may move, to be slow without taking time.
class MovedClock final : public Clock {
 public:
  MonoTime mono() const override { return {now_.load()}; }
  int64_t wall_ms() const override { return now_.load() / 1'000'000; }
  void move(Nanos by) { now_ += by.count(); }

 private:
  std::atomic<int64_t> now_{1'000'000'000'000};
};

TEST(Budget, CallbacksOverOneMillisecondAreCountedAndOverTenLogged) {
  MovedClock clock;
  AsioLane lane(0, clock);
  BusLocal bus(16, 1);
  BareBroker broker(16);
  ThreadBlockingPool pool({1, 16, "pool"});
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    clock.move(Millis(std::stoi(std::string(view(r.name)))));
    me.reply(r.token);
  };
  LinkedPlugin plugin("app", script);
  auto set = std::move(PluginSet::make({}, {plugin.spec(true)}, {&lane}, bus, pool).value());
  broker.host = &set->host(0);
  bus.serve(0, lane, broker);
  set->start_all(0, [&](const Status&) {
    for (const char* took_ms : {"0", "1", "2", "20"}) {
      ChainRequest request;
      request.kind = LCG_REQ_RPC;
      request.name = took_ms;
      set->host(0).run_chain(std::move(request), Millis(1000), [](ChainResult) {});
    }
    set->stop([&](const Status&) { lane.stop(); });
  });

  lane.run();

  set->for_each_instance([](const Instance& instance) {
    EXPECT_EQ(instance.counters.over_budget, 2u);
    EXPECT_EQ(instance.counters.over_alarm, 1u);
  });
}

TEST(Threads, FunctionsOfTheLaneAreRefusedElsewhere) {
  std::thread thread;
  std::atomic<lcg_status> timer{LCG_OK}, called{LCG_OK};
  Script script;
  script.on_request = [&](Scripted& me, const lcg_request& r) {
    thread = std::thread([&, me, token = r.token] {
      timer = me.host->timer_start(
          me.host->ctx, 1, [](void*) noexcept {}, nullptr, nullptr);
      called = me.call("store", "m", "", nullptr, nullptr);
      me.reply(token);
    });
  };
  LinkedPlugin plugin("app", script);
  RealProcess process(1, {plugin.spec(true)});
  ASSERT_TRUE(process.start().ok());
  Latch latch(1);

  process.run_chain(0, [&](ChainResult) { latch.down(); });
  ASSERT_TRUE(latch.wait());
  thread.join();
  ASSERT_TRUE(process.stop().ok());

  EXPECT_EQ(timer, LCG_E_INVALID);
  EXPECT_EQ(called, LCG_E_INVALID);
}

TEST(Threads, PostsFromOtherThreadsRunOnTheLane) {
  static std::atomic<int> on_lane, elsewhere;
  static Latch* latch;
  on_lane = elsewhere = 0;
  Latch all(8 * 100);
  latch = &all;
  Scripted* instance = nullptr;
  Script script;
  script.create = [&](Scripted& me, std::string&) {
    instance = &me;
    return LCG_OK;
  };
  LinkedPlugin plugin("app", script);
  RealProcess process(1, {plugin.spec(true)});
  ASSERT_TRUE(process.start().ok());

  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        const auto fn = [](void*) noexcept {
          ++(AsioLane::current() != nullptr ? on_lane : elsewhere);
          latch->down();
        };
        EXPECT_EQ(instance->host->post(instance->host->ctx, fn, nullptr), LCG_OK);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(all.wait());
  ASSERT_TRUE(process.stop().ok());

  EXPECT_EQ(on_lane, 800);
  EXPECT_EQ(elsewhere, 0);
}

TEST(Threads, CallsCrossLanesAndOffloadsComeBack) {
  Script store;
  store.provides = "store";
  store.on_call = [](Scripted& me, lcg_token token, const lcg_call&) {
    struct Job {
      Scripted* me;
      lcg_token token;
      std::string value;
    };
    const auto work = [](void* user) noexcept { static_cast<Job*>(user)->value = "computed"; };
    const auto done = [](void* user) noexcept {
      std::unique_ptr<Job> job(static_cast<Job*>(user));
      job->me->reply(job->token, LCG_OK, job->value);
    };
    auto* job = new Job{&me, token, {}};
    if (me.host->offload(me.host->ctx, work, done, job) == LCG_OK) return;
    delete job;
    me.reply(token, LCG_E_BUSY);
  };
  LinkedPlugin plugin("store", store);
  RealProcess process(3, {plugin.spec(false)});
  ASSERT_TRUE(process.start().ok());
  constexpr int kCalls = 300;
  Latch latch(kCalls);
  std::atomic<int> good{0};

  for (int i = 0; i < kCalls; ++i) {
    const unsigned lane = static_cast<unsigned>(i) % 3;
    process.lane(lane).post([&, lane, i] {
      process.set().host(lane).call({"store", "m", "@" + std::to_string(i % 16), "", "host", 0},
                                    Millis(30'000), [&](ServiceCallResponse r) {
                                      good += r.data == "computed" ? 1 : 0;
                                      latch.down();
                                    });
    });
  }
  ASSERT_TRUE(latch.wait());
  ASSERT_TRUE(process.stop().ok());

  EXPECT_EQ(good, kCalls);
}

}  // namespace
}  // namespace lcg::host
