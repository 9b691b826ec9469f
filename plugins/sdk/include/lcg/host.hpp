// SPDX-License-Identifier: Apache-2.0
// host.hpp: lcg::Host, a plugin's view of the broker.
//
// A Host is a cheap copy of a pointer, valid as long as the plugin object. What returns a value to co_await
// (call, publish, sleep, offload, yield) does nothing until it is awaited, and resolves on the instance's
// lane. Lane: the instance's, except where a comment says "any thread".
#pragma once
#include <chrono>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "lcg/config.hpp"
#include "lcg/detail/awaitables.hpp"
#include "lcg/detail/core.hpp"
#include "lcg/reply.hpp"
#include "lcg/task.hpp"

namespace lcg {

class Host {
 public:
  explicit Host(detail::Core* core) noexcept : core_(core) {}

  // --- log, clock, chance: any thread ------------------------------------------------------------
  void trace(std::string_view text) const noexcept { core_->log(0, text); }
  void debug(std::string_view text) const noexcept { core_->log(1, text); }
  void info(std::string_view text) const noexcept { core_->log(2, text); }
  void warn(std::string_view text) const noexcept { core_->log(3, text); }
  void error(std::string_view text) const noexcept { core_->log(4, text); }

  int64_t now_ns() const noexcept { return c()->now_ns(c()->ctx); }    // monotonic
  int64_t wall_ms() const noexcept { return c()->wall_ms(c()->ctx); }  // Unix ms, may jump
  // Cryptographic; the same for the same seed in tests.
  void random(void* out, size_t size) const noexcept { c()->random(c()->ctx, out, size); }
  std::string random_bytes(size_t size) const {
    std::string out(size, '\0');
    random(out.data(), size);
    return out;
  }
  uint64_t random_u64() const noexcept {
    uint64_t value = 0;
    random(&value, sizeof value);
    return value;
  }

  // --- settings: in the constructor. Each throws ConfigError naming the key ----------------------
  std::optional<std::string> config_find(std::string_view key) const {
    lcg_str out{};
    if (c()->config(c()->ctx, str(key), &out) != LCG_OK) return std::nullopt;
    return copy(out);
  }
  std::string config(std::string_view key, std::string fallback) const {
    auto text = config_find(key);
    return text ? *std::move(text) : std::move(fallback);
  }
  std::string config_required(std::string_view key) const {
    auto text = config_find(key);
    if (!text) throw ConfigError(std::string(key) + ": is required and not set");
    return *std::move(text);
  }
  int64_t config_int(std::string_view key, int64_t fallback,
                     int64_t min = std::numeric_limits<int64_t>::min(),
                     int64_t max = std::numeric_limits<int64_t>::max()) const {
    const auto text = config_find(key);
    return text ? parse_int(key, *text, min, max) : fallback;
  }
  bool config_bool(std::string_view key, bool fallback) const {
    const auto text = config_find(key);
    return text ? parse_bool(key, *text) : fallback;
  }
  std::chrono::milliseconds config_duration(std::string_view key, std::chrono::milliseconds fallback,
                                            std::chrono::milliseconds min = std::chrono::milliseconds(0),
                                            std::chrono::milliseconds max = std::chrono::hours(24 *
                                                                                               3650)) const {
    const auto text = config_find(key);
    return text ? parse_duration(key, *text, min, max) : fallback;
  }
  uint64_t config_size(std::string_view key, uint64_t fallback, uint64_t min = 0,
                       uint64_t max = uint64_t{1} << 50) const {
    const auto text = config_find(key);
    return text ? parse_size(key, *text, min, max) : fallback;
  }
  // A YAML list of scalars; empty when absent.
  std::vector<std::string> config_list(std::string_view key) const {
    std::vector<std::string> items;
    const int64_t count = config_int(std::string(key) + ".#", 0, 0, 1 << 20);
    items.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i)
      items.push_back(config_required(std::string(key) + "." + std::to_string(i)));
    return items;
  }

  // --- where we are ------------------------------------------------------------------------------
  uint32_t instance_index() const noexcept { return c()->instance_index; }
  uint32_t instance_count() const noexcept { return c()->instance_count; }
  uint32_t slot_count() const noexcept { return c()->slot_count; }
  uint32_t slot_of(std::string_view key) const noexcept {
    return c()->slot_of(c()->ctx, str(key));
  }  // any thread
  // True from the moment stop was asked: no new background work, end your loops.
  bool stopping() const noexcept { return core_->stopping(); }

  // --- doing things: co_await
  // --------------------------------------------------------------------------------- Resolves to the
  // provider's Reply. Also LCG_E_TIMEOUT (the outcome is unknown), LCG_E_UNAVAILABLE (no such service now),
  // LCG_E_BUSY (queue full), LCG_E_CANCELLED (stopping).
  detail::CallOp call(Call call) const { return detail::CallOp(core_, std::move(call)); }
  // Resolves to a Reply whose data is "offset epoch".
  detail::PublishOp publish(Publication publication) const {
    return detail::PublishOp(core_, std::move(publication));
  }
  detail::PublishOp publish(std::string channel, std::string data) const {
    return detail::PublishOp(core_, Publication(std::move(channel), std::move(data)));
  }
  // Resolves to LCG_OK, or LCG_E_CANCELLED as soon as the instance stops. At most 49 days.
  detail::SleepOp sleep(uint32_t ms) const { return detail::SleepOp(core_, ms); }
  detail::SleepOp sleep(std::chrono::milliseconds time) const {
    return detail::SleepOp(core_, detail::clamp_delay(time));
  }
  // Lets everything else on the lane go first, then resumes.
  detail::YieldOp yield() const { return detail::YieldOp(core_); }
  // Runs `fn` on the blocking pool. Resolves to Outcome<R>; what fn throws is rethrown here. LCG_E_BUSY: the
  // pool's queue is full, fn did not run. `fn` must not touch the plugin: it is another thread.
  //   auto hash = [password] { return argon2(password); };           // named first: see task.hpp
  //   Outcome<std::string> hashed = co_await host_.offload(std::move(hash));
  template <class F>
  detail::OffloadOp<F> offload(F fn) const {
    return detail::OffloadOp<F>(core_, std::move(fn));
  }

  // --- doing things: at once
  // ---------------------------------------------------------------------------------- Publishes without
  // waiting for the outcome.
  lcg_status publish_and_forget(const Publication& publication) const {
    return detail::PublishOp::start(core_, publication, nullptr, nullptr);
  }
  lcg_status disconnect(const Disconnect& d) const noexcept {
    lcg_disconnect out{};
    out.struct_size = sizeof out;
    out.code = d.code;
    out.reason = str(d.reason);
    out.session_id = str(d.session_id);
    out.user_id = str(d.user_id);
    out.device_id = str(d.device_id);
    out.auth_id = str(d.auth_id);
    return c()->disconnect(c()->ctx, &out);
  }
  // Any thread: runs `fn` on the lane, soon. The way back from a thread of the plugin's own.
  lcg_status post(std::function<void()> fn) const { return core_->post(std::move(fn)); }
  // Runs `task` in the background until it ends; stop waits for it, so it must end once stopping() (a sleep
  // that resolves to LCG_E_CANCELLED is the usual sign). What it throws is logged. Not in the constructor: in
  // start(). False, and the task never runs, when the instance is stopping already.
  template <class T>
  bool spawn(Task<T> task) const {
    if (core_->stopping()) return false;
    core_->start(detail::run_in_background(core_, std::move(task)));
    return true;
  }
  // An optional interface of the host by name and version ("metrics/1"); null if absent.
  template <class T>
  const T* query(std::string_view name) const noexcept {
    return static_cast<const T*>(c()->query(c()->ctx, str(name)));
  }

  detail::Core* core() const noexcept { return core_; }

 private:
  const lcg_host* c() const noexcept { return core_->host(); }
  detail::Core* core_;
};

}  // namespace lcg
