// SPDX-License-Identifier: Apache-2.0
// fake_world.cc: the event loop and the life of instances. Routing is in fake_routing.cc.
#include "testing/fake_world.h"

#include <algorithm>
#include <chrono>

namespace lcg::testing {
namespace {

// A world that does this much without its clock moving is not going to end.
constexpr uint64_t kMaxEventsAtOneTime = 1'000'000;
constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

World::World(const Options& given)
    : options(given), now_ns_(1'000'000 * kNsPerMs), random_state_(given.seed), slots_(given.slot_count) {
  test_.world = this;
  test_.serial = next_id_++;
  test_.table = make_host_table(test_, 0, 1);
  test_core_ = std::make_unique<detail::Core>(&test_.table);
}

World::~World() { test_core_->destroy_all(); }

// --- events --------------------------------------------------------------------------------------

void World::push(uint64_t owner, std::function<void()> fn) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return;
  ready_.push_back({owner, std::move(fn)});
  posted_.notify_all();
}

lcg_timer World::start_timer(uint64_t owner, int64_t delay_ms, std::function<void()> fn) {
  const uint64_t id = next_id_++;
  const int64_t due = now_ns_ + delay_ms * kNsPerMs;
  timers_.emplace(std::pair(due, id), Event{owner, std::move(fn)});
  due_of_timer_.emplace(id, due);
  return id;
}

bool World::cancel_timer(lcg_timer timer) {
  const auto due = due_of_timer_.find(timer);
  if (due == due_of_timer_.end()) return false;
  timers_.erase({due->second, timer});
  due_of_timer_.erase(due);
  return true;
}

bool World::run_one() {
  Event event;
  {
    const std::lock_guard lock(mutex_);
    if (crashed_) return false;
    if (!ready_.empty()) {
      event = std::move(ready_.front());
      ready_.pop_front();
    }
  }
  if (!event.fn) {
    if (timers_.empty() || timers_.begin()->first.first > now_ns_) return false;
    due_of_timer_.erase(timers_.begin()->first.second);
    event = std::move(timers_.extract(timers_.begin()).mapped());
  }
  if (event.owner == 0 || find(event.owner) != nullptr) event.fn();
  return true;
}

void World::run() {
  for (uint64_t n = 0; run_one(); ++n)
    if (n == kMaxEventsAtOneTime)
      throw PluginError(
          "a plugin keeps its lane busy for ever: it posts, or starts timers of 0 ms, in a circle");
}

bool World::wait_for_threads() {
  if (options.real_wait_ms == 0) return false;
  std::unique_lock lock(mutex_);
  return posted_.wait_for(lock, std::chrono::milliseconds(options.real_wait_ms),
                          [this] { return !ready_.empty(); });
}

bool World::jump(int64_t until) {
  if (crashed_ || timers_.empty() || timers_.begin()->first.first > until) return false;
  const std::lock_guard lock(mutex_);
  now_ns_ = std::max(now_ns_, timers_.begin()->first.first);
  return true;
}

bool World::run_until(const std::function<bool()>& condition, int64_t max_ms) {
  const int64_t until = now_ns_ + max_ms * kNsPerMs;
  for (uint64_t n = 0; !condition(); ++n) {
    if (n == kMaxEventsAtOneTime) throw PluginError("a plugin keeps its lane busy for ever");
    if (run_one() || wait_for_threads()) continue;
    if (!jump(until)) return condition();
  }
  return true;
}

// --- instances -----------------------------------------------------------------------------------

Instance* World::find(uint64_t serial) {
  if (serial == test_.serial) return &test_;
  for (const auto& plugin : plugins_)
    for (const auto& instance : plugin->instances)
      if (instance->serial == serial) return instance.get();
  return nullptr;
}

Plugin* World::find_plugin(std::string_view name) {
  for (const auto& plugin : plugins_)
    if (plugin->descriptor->name == name) return plugin.get();
  return nullptr;
}

void World::create_one(Plugin& plugin, uint32_t index) {
  auto owned = std::make_unique<Instance>();
  Instance& instance = *owned;
  instance.world = this;
  instance.plugin = plugin.descriptor->name;
  instance.config = plugin.config;
  instance.ops = plugin.descriptor->ops;
  instance.serial = next_id_++;
  instance.table = make_host_table(instance, index, plugin.count);
  plugin.instances.push_back(std::move(owned));
  char error[256] = "";
  const lcg_status status = instance.ops->create(&instance.table, &instance.self, error, sizeof error);
  error[sizeof error - 1] = '\0';
  if (status == LCG_OK && instance.self != nullptr) return;
  forget(instance);
  plugin.instances.pop_back();
  if (status == LCG_OK)
    throw PluginError(std::string(plugin.descriptor->name) + ": create returned LCG_OK and no instance");
  throw PluginError(std::string(plugin.descriptor->name) + ": create failed with status " +
                    std::to_string(status) +
                    (*error != '\0' ? ": " + std::string(error) : " and gave no reason in err"));
}

void World::start_all_of(Plugin& plugin) {
  std::vector<std::shared_ptr<OpenAnswer>> ready;
  for (const auto& instance : plugin.instances) {
    auto answer = std::make_shared<OpenAnswer>();
    ready.push_back(answer);
    const lcg_token token = issue(
        instance->serial,
        [answer](Reply reply) {
          answer->reply = std::move(reply);
          answer->done = true;
        },
        options.start_timeout_ms, false);
    instance->ops->start(instance->self, token);
  }
  starting_ = true;
  run_until(
      [this, &ready] {
        if (crashed_) return true;
        for (const auto& answer : ready)
          if (!answer->done) return false;
        return true;
      },
      options.start_timeout_ms);
  starting_ = false;
  if (crashed_) return;
  for (const auto& answer : ready) {
    const std::string who = plugin.descriptor->name;
    if (!answer->done || answer->reply.status == LCG_E_TIMEOUT)
      throw PluginError(who + ": start: ready was not answered within " +
                        std::to_string(options.start_timeout_ms) + " ms");
    if (answer->reply.status != LCG_OK)
      throw PluginError(who + ": start failed with status " + std::to_string(answer->reply.status) + ": " +
                        answer->reply.message);
  }
}

void World::tell_slots(Plugin& plugin) {
  const lcg_plugin_ops* ops = plugin.descriptor->ops;
  if (!LCG_HAS(ops, on_slot) || ops->on_slot == nullptr) return;
  for (uint32_t slot = 0; slot < options.slot_count && !crashed_; ++slot)
    if (slots_[slot].owned)
      ops->on_slot(plugin.instances[slot % plugin.instances.size()]->self, slot, slots_[slot].term, 1);
}

void World::start(Plugin& plugin) {
  try {
    for (uint32_t i = 0; i < plugin.count; ++i) create_one(plugin, i);
    start_all_of(plugin);
  } catch (const PluginError&) {
    stop(plugin);
    throw;
  }
  if (crashed_) return;
  plugin.serving = true;
  tell_slots(plugin);
}

std::string World::stop(Plugin& plugin) {
  plugin.serving = false;
  while (!plugin.instances.empty()) {
    Instance& instance = *plugin.instances.back();
    bool stopped = false;
    const lcg_token token = issue(
        instance.serial, [&stopped](Reply reply) { stopped = reply.status != LCG_E_TIMEOUT; },
        options.stop_timeout_ms, false);
    instance.ops->stop(instance.self, token);
    run_until([this, &stopped] { return stopped || crashed_; }, options.stop_timeout_ms);
    if (crashed_) return {};
    if (!stopped) {
      // A broker would end the process here. The instance may still run threads: it stays as it is, for ever.
      forget(instance);
      plugin.instances.back().release();
      plugin.instances.pop_back();
      return std::string(plugin.descriptor->name) + ": stop was not answered within " +
             std::to_string(options.stop_timeout_ms) + " ms";
    }
    finish_calls(instance);
    instance.ops->destroy(instance.self);
    forget(instance);
    plugin.instances.pop_back();
  }
  return {};
}

// Whatever the instance still waits for is answered now, so that nothing comes after destroy.
void World::finish_calls(Instance& instance) {
  run();
  while (!instance.calls.empty())
    finish_call(instance.serial, instance.calls.begin()->first, Reply::error(LCG_E_CANCELLED, "stopping"));
  run();
}

void World::forget(const Instance& instance) {
  const std::lock_guard lock(mutex_);
  std::erase_if(tokens_, [&instance](const auto& item) { return item.second.instance == instance.serial; });
  std::erase_if(timers_, [&instance](const auto& item) { return item.second.owner == instance.serial; });
}

void World::kill_all() {
  {
    const std::lock_guard lock(mutex_);
    crashed_ = true;
  }
  for (auto plugin = plugins_.rbegin(); plugin != plugins_.rend(); ++plugin) {
    (*plugin)->serving = false;
    for (const auto& instance : (*plugin)->instances) instance->ops->destroy(instance->self);
    (*plugin)->instances.clear();
  }
  test_core_->destroy_all();
  test_.calls.clear();
  for (const auto& weak : answers_)
    if (const auto answer = weak.lock(); answer && !answer->done) answer->lost = true;
  answers_.clear();
  offloads_.clear();
  offloads_open_ = 0;
  timers_.clear();
  due_of_timer_.clear();
  const std::lock_guard lock(mutex_);
  ready_.clear();
  tokens_.clear();
  crashed_ = false;
}

}  // namespace lcg::testing
