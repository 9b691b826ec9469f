#include "base/asio_lane.h"

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"

namespace lcg {
namespace {

using namespace std::chrono_literals;

class AsioLaneTest : public ::testing::Test {
 protected:
  ~AsioLaneTest() override { stop(); }
  void start() {
    thread_ = std::thread([this] { lane_.run(); });
  }
  void stop() {
    lane_.stop();
    if (thread_.joinable()) thread_.join();
  }
  // Runs `body` on the lane and waits for it.
  template <class Body>
  void on_lane(Body body) {
    std::promise<void> done;
    lane_.post([&] {
      body();
      done.set_value();
    });
    done.get_future().wait();
  }

  AsioLane lane_{0};
  std::thread thread_;
};

TEST_F(AsioLaneTest, PostedTasksRunInOrderOnTheLane) {
  std::vector<int> order;
  std::promise<void> done;
  for (int i = 0; i < 1000; ++i) lane_.post([&, i] { order.push_back(lane_.is_current() ? i : -1); });
  lane_.post([&] { done.set_value(); });

  start();
  done.get_future().wait();

  ASSERT_EQ(order.size(), 1000u);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST_F(AsioLaneTest, EveryPosterKeepsItsOwnOrder) {
  start();
  constexpr int kPosters = 4;
  constexpr int kEach = 5000;
  std::vector<int> next(kPosters, 0);
  bool in_order = true;
  std::vector<std::thread> posters;
  posters.reserve(kPosters);
  for (int p = 0; p < kPosters; ++p) {
    posters.emplace_back([&, p] {
      for (int i = 0; i < kEach; ++i) {
        lane_.post([&, p, i] { in_order = in_order && next[static_cast<size_t>(p)]++ == i; });
      }
    });
  }
  for (auto& t : posters) t.join();

  on_lane([] {});

  EXPECT_TRUE(in_order);
  EXPECT_EQ(next, std::vector<int>(kPosters, kEach));
}

TEST_F(AsioLaneTest, TryPostRefusesAtTheLimit) {
  for (size_t i = 0; i < Lane::kMailboxLimit; ++i) lane_.post([] {});

  EXPECT_FALSE(lane_.try_post([] {}));
  EXPECT_EQ(lane_.stats().refused.load(), 1u);
}

TEST_F(AsioLaneTest, TurnEndRunsAfterTheBatchAndItsOwnAdditions) {
  std::string trace;
  std::promise<void> done;
  lane_.post([&] {
    lane_.at_turn_end([&] {
      trace += 'c';
      lane_.at_turn_end([&] {
        trace += 'd';
        done.set_value();
      });
    });
    trace += 'a';
  });
  lane_.post([&] { trace += 'b'; });

  start();
  done.get_future().wait();

  EXPECT_EQ(trace, "abcd");
}

TEST_F(AsioLaneTest, TimersFireInOrderAndNeverEarly) {
  start();
  std::vector<int> order;
  std::promise<MonoTime> done;
  MonoTime begin;
  on_lane([&] {
    begin = lane_.now();
    lane_.start_timer(20ms, [&] {
      order.push_back(2);
      done.set_value(lane_.now());
    });
    lane_.start_timer(5ms, [&] { order.push_back(1); });
    TimerId cancelled = lane_.start_timer(10ms, [&] { order.push_back(-1); });
    lane_.cancel_timer(cancelled);
  });

  MonoTime fired = done.get_future().get();

  EXPECT_GE((fired - begin).count(), Nanos(20ms).count());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(AsioLaneTest, SocketEventsRunOnTheLaneBetweenTurns) {
  using Socket = boost::asio::basic_stream_socket<boost::asio::local::stream_protocol, AsioLane::Executor>;
  Socket reader(lane_.executor());
  Socket writer(lane_.executor());
  boost::asio::local::connect_pair(reader, writer);
  std::promise<bool> done;
  char byte = 0;
  start();
  on_lane([&] {
    reader.async_read_some(boost::asio::buffer(&byte, 1), [&](boost::system::error_code error, size_t) {
      lane_.handler_begins();
      bool fine = !error && lane_.is_current();
      lane_.at_turn_end([&done, fine] { done.set_value(fine); });
    });
  });

  boost::asio::write(writer, boost::asio::buffer("x", 1));

  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(byte, 'x');
  stop();
}

TEST_F(AsioLaneTest, AnExceptionIsCountedAndTheLaneGoesOn) {
  log::set_level(log::Level::kOff);
  start();
  lane_.post([] { throw std::runtime_error("of a test"); });

  on_lane([] {});

  EXPECT_EQ(lane_.stats().exceptions.load(), 1u);
  log::set_level(log::Level::kInfo);
}

TEST_F(AsioLaneTest, StopDestroysWhatDidNotRunOnTheLanesThread) {
  struct Probe {
    explicit Probe(std::thread::id* where) : where_(where) {}
    Probe(Probe&& other) noexcept : where_(std::exchange(other.where_, nullptr)) {}
    ~Probe() {
      if (where_ != nullptr) *where_ = std::this_thread::get_id();
    }
    std::thread::id* where_;
  };
  std::thread::id destroyed_on;
  std::thread::id lane_thread;
  start();
  on_lane([&] {
    lane_thread = std::this_thread::get_id();
    lane_.start_timer(1h, [probe = Probe(&destroyed_on)] {});
  });

  stop();

  EXPECT_EQ(destroyed_on, lane_thread);
  lane_.post([] { FAIL() << "ran after stop"; });
  EXPECT_FALSE(lane_.try_post([] {}));
}

TEST(LaneSet, RunsEveryLaneOnItsOwnThread) {
  LaneSet lanes({.lanes = 3, .pin = true});
  lanes.start();
  std::vector<std::promise<unsigned>> seen(3);
  for (unsigned i = 0; i < 3; ++i) {
    lanes[i].post([&, i] { seen[i].set_value(AsioLane::current()->index()); });
  }

  for (unsigned i = 0; i < 3; ++i) EXPECT_EQ(seen[i].get_future().get(), i);

  lanes.stop();
  lanes.join();
}

TEST(LaneSet, ShowsEveryLanesFigures) {
  LaneSet lanes({.lanes = 2});
  metrics::Registry registry;
  lanes.add_metrics(registry);

  std::string text = registry.expose();

  EXPECT_NE(text.find("lcg_lane_tasks_total{lane=\"1\"} 0\n"), std::string::npos) << text;
  EXPECT_NE(text.find("lcg_lane_mailbox_tasks{lane=\"0\"} 0\n"), std::string::npos) << text;
}

TEST(LaneSet, LanesPassTasksToEachOther) {
  LaneSet lanes({.lanes = 2});
  lanes.start();
  std::promise<int> done;
  int hops = 0;
  struct Bounce {
    LaneSet& lanes;
    int& hops;
    std::promise<int>& done;
    void operator()() const {
      if (++hops == 1000) return done.set_value(hops);
      lanes[1 - AsioLane::current()->index()].post(*this);
    }
  };

  lanes[0].post(Bounce{lanes, hops, done});

  EXPECT_EQ(done.get_future().get(), 1000);
}

}  // namespace
}  // namespace lcg
