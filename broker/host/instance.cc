#include "broker/host/instance.h"

#include <array>

#include "base/log.h"
#include "broker/host/abi_io.h"
#include "broker/host/host_api.h"
#include "broker/host/lane_host.h"

namespace lcg::host {

Instance::Instance(LaneHost& lane_host, const Plugin& plugin, uint32_t slot_count)
    : lane_host_(lane_host), plugin_(plugin) {
  table_ = make_host_table(context_);
  table_.slot_count = slot_count;
}

std::string Instance::label() const { return name() + "[" + std::to_string(index()) + "]"; }

Status Instance::create(uint32_t index, uint32_t count) {
  table_.instance_index = index;
  table_.instance_count = count;
  std::array<char, kMaxReason> why{};
  lcg_instance* made = nullptr;
  lcg_status status = LCG_OK;
  set_state(State::kCreating);
  {
    Entry entry(*this, "create");
    status = ops().create(&table_, &made, why.data(), why.size());
  }
  if (status == LCG_OK && made == nullptr) {
    return {Code::kInternal,
            "plugin " + label() + ": create returned LCG_OK and no instance; it must set *out"};
  }
  if (status == LCG_OK) {
    handle_ = made;
    ask_for_interfaces();
    set_state(State::kCreated);
    return {};
  }
  why.back() = '\0';
  const std::string reason = why[0] != '\0' ? why.data() : "it gave no reason";
  return {status == LCG_E_INVALID ? Code::kInvalid : Code::kInternal,
          "plugin " + label() + ": create failed (" + std::string(status_name(status)) + "): " + reason};
}

void Instance::ask_for_interfaces() {
  if (ops().query == nullptr) return;
  const auto ask = [this](const char* name) {
    Entry entry(*this, "query");
    return ops().query(handle_, c_str(name));
  };
  const lcg_events_v1 events = known_part(static_cast<const lcg_events_v1*>(ask(LCG_EVENTS_V1)));
  if (events.on_event != nullptr) events_ = events;
  commits_ = known_part(static_cast<const lcg_before_commit_v1*>(ask(LCG_BEFORE_COMMIT_V1)));
}

lcg_status Instance::config(std::string_view path, lcg_str* out) {
  if (plugin_.settings == nullptr) return LCG_E_NOT_FOUND;
  std::optional<std::string> value;
  {
    std::lock_guard lock(*plugin_.settings_mutex);
    value = plugin_.settings->scalar(path);
  }
  if (!value) return LCG_E_NOT_FOUND;
  *out = c_str(settings_read_.emplace_back(std::move(*value)));
  return LCG_OK;
}

void Instance::log(uint32_t level, std::string_view message) {
  static constexpr log::Level kLevels[] = {log::Level::kDebug, log::Level::kDebug, log::Level::kInfo,
                                           log::Level::kWarn, log::Level::kError};
  const log::Level wanted = kLevels[std::min<uint32_t>(level, 4)];
  if (!log::enabled(wanted)) return;
  const int64_t second = lane_host_.lane().clock().mono().ns / 1'000'000'000;
  int64_t seen = log_second_.load(std::memory_order_relaxed);
  if (seen != second && log_second_.compare_exchange_strong(seen, second, std::memory_order_relaxed)) {
    const uint32_t lines = log_lines_.exchange(0, std::memory_order_relaxed);
    if (lines > kLogLinesPerSecond) {
      log::warn("plugin logs too much",
                {{"plugin", name()}, {"instance", index()}, {"dropped", lines - kLogLinesPerSecond}});
    }
  }
  if (log_lines_.fetch_add(1, std::memory_order_relaxed) >= kLogLinesPerSecond)
    return count(counters.log_dropped);
  log::write(wanted, "plugin",
             {{"plugin", name()}, {"instance", index()}, {"text", message.substr(0, kMaxLogLine)}});
}

Entry::Entry(Instance& instance, const char* callback)
    : instance_(instance),
      callback_(callback),
      note_(std::in_place, instance.name().c_str(), callback),
      began_(instance.lane_host().lane().now()) {
  instance_.lane_host().enter();
}

Entry::~Entry() {
  note_.reset();
  const Nanos took = instance_.lane_host().lane().now() - began_;
  if (took > kCallbackBudget) {
    count(instance_.counters.over_budget);
    if (took > kCallbackAlarm) {
      count(instance_.counters.over_alarm);
      log::warn("plugin blocked its lane", {{"plugin", instance_.name()},
                                            {"instance", instance_.index()},
                                            {"callback", callback_},
                                            {"ms", std::chrono::duration_cast<Millis>(took).count()}});
    }
  }
  instance_.lane_host().leave();
}

}  // namespace lcg::host
