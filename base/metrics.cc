#include "base/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/status.h"

namespace lcg::metrics {

unsigned internal::assign_shard() {
  // Pool threads and main take shards from the top, away from the lanes'.
  static std::atomic<unsigned> next{0};
  t_shard = kShards - 1 - next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return t_shard;
}

uint64_t Counter::value() const {
  uint64_t sum = 0;
  for (const Cell& cell : cells_) sum += cell.value.load(std::memory_order_relaxed);
  return sum;
}

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  if (bounds_.size() > kMaxBounds || !std::is_sorted(bounds_.begin(), bounds_.end())) {
    die("a histogram's bounds do not ascend or are over 20");
  }
}

void Histogram::observe(double value) {
  Shard& shard = shards_[thread_shard()];
  size_t bucket = 0;
  while (bucket < bounds_.size() && !(value <= bounds_[bucket])) ++bucket;
  shard.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  shard.sum.fetch_add(value, std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot all;
  all.buckets.resize(bounds_.size() + 1);
  for (const Shard& shard : shards_) {
    for (size_t i = 0; i < all.buckets.size(); ++i) {
      all.buckets[i] += shard.buckets[i].load(std::memory_order_relaxed);
    }
    all.sum += shard.sum.load(std::memory_order_relaxed);
  }
  for (uint64_t n : all.buckets) all.count += n;
  return all;
}

std::vector<double> latency_bounds() {
  return {.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
}

std::vector<double> size_bounds() {
  std::vector<double> bounds;
  for (uint64_t bytes = 64; bytes <= 16 << 20; bytes *= 4) bounds.push_back(static_cast<double>(bytes));
  return bounds;
}

struct Registry::Series {
  Labels labels;
  std::unique_ptr<Counter> counter;
  std::unique_ptr<Gauge> gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;
};

struct Registry::Family {
  std::string name;
  std::string help;
  const char* type;
  std::vector<std::unique_ptr<Series>> series;
};

namespace {

bool valid_name(std::string_view name, bool colon) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           (colon && c == ':');
  });
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (char c : text) {
    if (c == '\n') {
      out.append("\\n");
    } else if (c == '\\' || (quotes && c == '"')) {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out.push_back(c);
    }
  }
}

std::string show(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char digits[32];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  return {digits, end};
}

// One sample line; `le` is a histogram's own label.
void append_sample(std::string& out, std::string_view name, std::string_view suffix, const Labels& labels,
                   std::optional<double> le, const std::string& value) {
  out.append(name).append(suffix);
  if (!labels.empty() || le) {
    char before = '{';
    for (const auto& [key, text] : labels) {
      out.push_back(std::exchange(before, ','));
      out.append(key).append("=\"");
      append_escaped(out, text, true);
      out.push_back('"');
    }
    if (le) {
      out.push_back(before);
      out.append("le=\"").append(show(*le)).append("\"");
    }
    out.push_back('}');
  }
  out.append(" ").append(value).append("\n");
}

void append_histogram(std::string& out, const std::string& name, const Labels& labels,
                      const Histogram& histogram) {
  Histogram::Snapshot all = histogram.snapshot();
  uint64_t below = 0;
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    below += all.buckets[i];
    append_sample(out, name, "_bucket", labels, histogram.bounds()[i], std::to_string(below));
  }
  append_sample(out, name, "_bucket", labels, HUGE_VAL, std::to_string(all.count));
  append_sample(out, name, "_sum", labels, std::nullopt, show(all.sum));
  append_sample(out, name, "_count", labels, std::nullopt, std::to_string(all.count));
}

}  // namespace

Registry::Registry() = default;
Registry::~Registry() = default;

Registry::Series& Registry::series(const std::string& name, const std::string& help, const char* type,
                                   Labels labels) {
  if (!valid_name(name, true)) die("no name for a metric: " + name);
  for (const auto& [key, value] : labels) {
    if (!valid_name(key, false))
      die(std::string("no name for a label of ").append(name).append(": ").append(key));
  }
  auto family =
      std::find_if(families_.begin(), families_.end(), [&](const auto& f) { return f->name == name; });
  if (family == families_.end()) {
    families_.push_back(std::make_unique<Family>(Family{name, help, type, {}}));
    family = std::prev(families_.end());
  }
  if (std::strcmp((*family)->type, type) != 0) die("metric " + name + " is used as two kinds");
  for (auto& existing : (*family)->series) {
    if (existing->labels == labels) return *existing;
  }
  auto& added = (*family)->series.emplace_back(std::make_unique<Series>());
  added->labels = std::move(labels);
  return *added;
}

Counter& Registry::counter(const std::string& name, const std::string& help, Labels labels) {
  std::lock_guard lock(mutex_);
  Series& s = series(name, help, "counter", std::move(labels));
  if (s.counter == nullptr) s.counter = std::make_unique<Counter>();
  return *s.counter;
}

Gauge& Registry::gauge(const std::string& name, const std::string& help, Labels labels) {
  std::lock_guard lock(mutex_);
  Series& s = series(name, help, "gauge", std::move(labels));
  if (s.gauge == nullptr) s.gauge = std::make_unique<Gauge>();
  return *s.gauge;
}

Histogram& Registry::histogram(const std::string& name, const std::string& help, std::vector<double> bounds,
                               Labels labels) {
  std::lock_guard lock(mutex_);
  Series& s = series(name, help, "histogram", std::move(labels));
  if (s.histogram == nullptr) s.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *s.histogram;
}

void Registry::gauge_from(const std::string& name, const std::string& help, Labels labels,
                          std::function<double()> read) {
  std::lock_guard lock(mutex_);
  series(name, help, "gauge", std::move(labels)).read = std::move(read);
}

void Registry::counter_from(const std::string& name, const std::string& help, Labels labels,
                            std::function<double()> read) {
  std::lock_guard lock(mutex_);
  series(name, help, "counter", std::move(labels)).read = std::move(read);
}

std::string Registry::expose() const {
  std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& family : families_) {
    out.append("# HELP ").append(family->name).append(" ");
    append_escaped(out, family->help, false);
    out.append("\n# TYPE ").append(family->name).append(" ").append(family->type).append("\n");
    for (const auto& s : family->series) {
      if (s->histogram) append_histogram(out, family->name, s->labels, *s->histogram);
      if (s->counter) {
        append_sample(out, family->name, "", s->labels, std::nullopt, std::to_string(s->counter->value()));
      }
      if (s->gauge) {
        append_sample(out, family->name, "", s->labels, std::nullopt, std::to_string(s->gauge->value()));
      }
      if (s->read) append_sample(out, family->name, "", s->labels, std::nullopt, show(s->read()));
    }
  }
  return out;
}

}  // namespace lcg::metrics
