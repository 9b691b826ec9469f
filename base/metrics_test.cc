#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace lcg::metrics {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Metrics, CountersOfAllThreadsAddUp) {
  Registry registry;
  Counter& counter = registry.counter("c_total", "C.");
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      if (t % 2 == 0) bind_thread_to_shard(t);
      for (int i = 0; i < 10'000; ++i) counter.add();
    });
  }
  for (auto& t : threads) t.join();

  EXPECT_EQ(counter.value(), 40'000u);
}

TEST(Metrics, ExposesInPrometheusText) {
  Registry registry;
  registry.counter("lcg_closed_total", "Sessions closed.", {{"code", "3008"}}).add(2);
  registry.counter("lcg_closed_total", "Sessions closed.", {{"code", "3000"}}).add();
  registry.gauge("lcg_sessions", "Sessions now.\nReally.").set(-1);
  registry.gauge_from("lcg_half", "Half.", {}, [] { return 0.5; });

  EXPECT_EQ(registry.expose(),
            "# HELP lcg_closed_total Sessions closed.\n"
            "# TYPE lcg_closed_total counter\n"
            "lcg_closed_total{code=\"3008\"} 2\n"
            "lcg_closed_total{code=\"3000\"} 1\n"
            "# HELP lcg_sessions Sessions now.\\nReally.\n"
            "# TYPE lcg_sessions gauge\n"
            "lcg_sessions -1\n"
            "# HELP lcg_half Half.\n"
            "# TYPE lcg_half gauge\n"
            "lcg_half 0.5\n");
}

TEST(Metrics, HistogramBucketsAreCumulative) {
  Registry registry;
  Histogram& h = registry.histogram("t_seconds", "T.", {0.1, 1}, {{"op", "a"}});
  h.observe(0.1);
  h.observe(0.5);
  h.observe(7.0);
  h.observe(Millis(250));

  EXPECT_THAT(registry.expose(), HasSubstr("t_seconds_bucket{op=\"a\",le=\"0.1\"} 1\n"
                                           "t_seconds_bucket{op=\"a\",le=\"1\"} 3\n"
                                           "t_seconds_bucket{op=\"a\",le=\"+Inf\"} 4\n"
                                           "t_seconds_sum{op=\"a\"} 7.85\n"
                                           "t_seconds_count{op=\"a\"} 4\n"));
}

TEST(Metrics, LabelValuesAreEscaped) {
  Registry registry;
  registry.counter("c_total", "C.", {{"v", "a\"b\\c\nd"}}).add();

  EXPECT_THAT(registry.expose(), HasSubstr("c_total{v=\"a\\\"b\\\\c\\nd\"} 1\n"));
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Registry registry;
  Counter& a = registry.counter("c_total", "C.", {{"x", "1"}});
  Counter& b = registry.counter("c_total", "C.", {{"x", "1"}});
  Counter& c = registry.counter("c_total", "C.", {{"x", "2"}});

  EXPECT_EQ(&a, &b);
  EXPECT_NE(&a, &c);
}

TEST(Metrics, ProcessMetricsAreThere) {
  Registry registry;
  add_process_metrics(registry);

  std::string text = registry.expose();
  EXPECT_THAT(text, HasSubstr("process_open_fds "));
  EXPECT_THAT(text, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

TEST(MetricsDeathTest, ANameIsOfOneKind) {
  Registry registry;
  registry.counter("x_total", "X.");

  EXPECT_DEATH(registry.gauge("x_total", "X."), "two kinds");
  EXPECT_DEATH(registry.counter("bad-name", "X."), "no name for a metric: bad-name");
}

}  // namespace
}  // namespace lcg::metrics
