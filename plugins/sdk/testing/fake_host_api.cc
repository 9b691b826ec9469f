// SPDX-License-Identifier: Apache-2.0
// fake_host_api.cc: the functions of lcg_host, each forwarding to the world.
#include <cstring>

#include "lcg/ext/before_commit.h"
#include "lcg/ext/channels.h"
#include "lcg/ext/services.h"
#include "lcg/ext/sessions.h"
#include "lcg/ext/users.h"
#include "testing/fake_world.h"

namespace lcg::testing {
namespace {

Instance& instance_of(lcg_host_ctx* ctx) { return *reinterpret_cast<Instance*>(ctx); }

void host_log(lcg_host_ctx* ctx, uint32_t level, lcg_str message) noexcept {
  Instance& me = instance_of(ctx);
  const std::lock_guard lock(me.world->mutex_);
  me.world->logs_.push_back({level, me.plugin, copy(message)});
}

int64_t host_now_ns(lcg_host_ctx* ctx) noexcept {
  World& world = *instance_of(ctx).world;
  const std::lock_guard lock(world.mutex_);
  return world.now_ns_;
}

int64_t host_wall_ms(lcg_host_ctx* ctx) noexcept {
  World& world = *instance_of(ctx).world;
  const std::lock_guard lock(world.mutex_);
  return 1'767'225'600'000 + world.now_ns_ / 1'000'000 + world.wall_skew_ms_;  // from 2026-01-01
}

void host_random(lcg_host_ctx* ctx, void* out, size_t size) noexcept {
  World& world = *instance_of(ctx).world;
  const std::lock_guard lock(world.mutex_);
  auto* bytes = static_cast<unsigned char*>(out);
  for (size_t i = 0; i < size; i += 8) {  // splitmix64
    uint64_t z = world.random_state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    std::memcpy(bytes + i, &z, size - i < 8 ? size - i : 8);
  }
}

lcg_status host_config(lcg_host_ctx* ctx, lcg_str path, lcg_str* out) noexcept {
  Instance& me = instance_of(ctx);
  const std::string key = copy(path);
  me.read.insert(key);
  const auto found = me.config.find(key);
  if (found == me.config.end()) return LCG_E_NOT_FOUND;
  *out = str(found->second);
  return LCG_OK;
}

uint32_t host_slot_of(lcg_host_ctx* ctx, lcg_str key) noexcept {
  return instance_of(ctx).world->slot_of(view(key));
}

lcg_status host_reply(lcg_host_ctx* ctx, lcg_token token, const lcg_result* result) noexcept {
  return instance_of(ctx).world->reply(instance_of(ctx), token, result);
}

lcg_status host_publish(lcg_host_ctx* ctx, const lcg_publication* p, lcg_done_fn done, void* user) noexcept {
  return instance_of(ctx).world->start_publish(instance_of(ctx), *p, done, user);
}

lcg_status host_call(lcg_host_ctx* ctx, const lcg_call* call, lcg_done_fn done, void* user) noexcept {
  return instance_of(ctx).world->start_call(instance_of(ctx), *call, done, user);
}

lcg_status host_disconnect(lcg_host_ctx* ctx, const lcg_disconnect* d) noexcept {
  World& world = *instance_of(ctx).world;
  if (world.crashed_) return LCG_OK;
  if (d->session_id.size + d->user_id.size + d->device_id.size + d->auth_id.size == 0) return LCG_E_INVALID;
  if (d->code < 3000 || d->code > 4999) return LCG_E_INVALID;
  world.disconnects_.push_back({d->code, copy(d->reason), copy(d->session_id), copy(d->user_id),
                                copy(d->device_id), copy(d->auth_id)});
  return LCG_OK;
}

lcg_status host_timer_start(lcg_host_ctx* ctx, uint32_t delay_ms, lcg_fn fn, void* user,
                            lcg_timer* out) noexcept {
  Instance& me = instance_of(ctx);
  *out = me.world->start_timer(me.serial, delay_ms, [fn, user] { fn(user); });
  return LCG_OK;
}

lcg_status host_timer_cancel(lcg_host_ctx* ctx, lcg_timer timer) noexcept {
  return instance_of(ctx).world->cancel_timer(timer) ? LCG_OK : LCG_E_STALE;
}

lcg_status host_post(lcg_host_ctx* ctx, lcg_fn fn, void* user) noexcept {
  Instance& me = instance_of(ctx);
  me.world->push(me.serial, [fn, user] { fn(user); });
  return LCG_OK;
}

lcg_status host_offload(lcg_host_ctx* ctx, lcg_fn work, lcg_fn done, void* user) noexcept {
  return instance_of(ctx).world->start_offload(instance_of(ctx), work, done, user);
}

lcg_status record_unsubscribe(lcg_host_ctx* ctx, UnsubscribeRecord record) {
  World& world = *instance_of(ctx).world;
  if (world.crashed_) return LCG_OK;
  const bool names_someone = !record.user_id.empty() || !record.session_id.empty();
  if (record.channel.empty() || !names_someone || record.code < 2000 || record.code > 2999)
    return LCG_E_INVALID;
  world.unsubscribes_.push_back(std::move(record));
  return LCG_OK;
}

lcg_status channels_unsubscribe(lcg_host_ctx* ctx, lcg_str channel, lcg_str user_id, uint32_t code,
                                lcg_str reason) noexcept {
  return record_unsubscribe(ctx, {copy(channel), copy(user_id), code, copy(reason), {}});
}

lcg_status channels_unsubscribe_session(lcg_host_ctx* ctx, lcg_str channel, lcg_str session_id, uint32_t code,
                                        lcg_str reason) noexcept {
  return record_unsubscribe(ctx, {copy(channel), {}, code, copy(reason), copy(session_id)});
}

lcg_status sessions_disconnect(lcg_host_ctx* ctx, const lcg_disconnect* d, lcg_done_fn done,
                               void* user) noexcept {
  Instance& me = instance_of(ctx);
  const lcg_status status = host_disconnect(ctx, d);
  if (status != LCG_OK) return status;
  me.world->push(me.serial, [done, user] {
    lcg_result result{};
    result.struct_size = sizeof result;
    done(user, &result);
  });
  return LCG_OK;
}

lcg_status users_prefix(lcg_host_ctx* ctx, lcg_str* out) noexcept {
  // In a test the keys of the plugin's entry stand among its settings.
  if (host_config(ctx, str("user_prefix"), out) != LCG_OK) *out = {};
  return LCG_OK;
}

lcg_status users_prefix_of(lcg_host_ctx* ctx, lcg_str user, lcg_str* out) noexcept {
  *out = {};
  for (const auto& plugin : instance_of(ctx).world->plugins_) {
    const auto found = plugin->config.find("user_prefix");
    if (found == plugin->config.end() || found->second.empty()) continue;
    if (view(user).starts_with(found->second)) *out = str(found->second);
  }
  return LCG_OK;
}

lcg_status services_provided(lcg_host_ctx* ctx, lcg_str service) noexcept {
  return instance_of(ctx).world->providers_.contains(copy(service)) ? LCG_OK : LCG_E_NOT_FOUND;
}

lcg_status commits_wanted(lcg_host_ctx* ctx) noexcept {
  for (const auto& plugin : instance_of(ctx).world->plugins_)
    if (World::judge_of(*plugin) != nullptr) return LCG_OK;
  return LCG_E_NOT_FOUND;
}

lcg_status commits_ask(lcg_host_ctx* ctx, const lcg_commit* commit, lcg_done_fn done, void* user) noexcept {
  Instance& me = instance_of(ctx);
  return me.world->start_judging(me, *commit, done, user);
}

const void* host_query(lcg_host_ctx* ctx, lcg_str name) noexcept {
  static constexpr lcg_commits_v1 kCommits = {sizeof(lcg_commits_v1), 0, &commits_wanted, &commits_ask};
  if (view(name) == LCG_COMMITS_V1) return &kCommits;
  static constexpr lcg_users_v1 kUsers = {sizeof(lcg_users_v1), &users_prefix, &users_prefix_of};
  if (view(name) == LCG_USERS_V1) return &kUsers;
  static constexpr lcg_services_v1 kServices = {sizeof(lcg_services_v1), &services_provided};
  if (view(name) == LCG_SERVICES_V1) return &kServices;
  static constexpr lcg_channels_v1 kChannels = {sizeof(lcg_channels_v1), &channels_unsubscribe,
                                                &channels_unsubscribe_session};
  static constexpr lcg_sessions_v1 kSessions = {sizeof(lcg_sessions_v1), &sessions_disconnect};
  if (view(name) == LCG_SESSIONS_V1) return &kSessions;
  return view(name) == LCG_CHANNELS_V1 && instance_of(ctx).world->options.offer_channels ? &kChannels
                                                                                         : nullptr;
}

}  // namespace

lcg_host make_host_table(Instance& instance, uint32_t index, uint32_t count) {
  lcg_host table{};
  table.struct_size = sizeof table;
  table.abi_major = LCG_ABI_MAJOR;
  table.abi_minor = instance.world->options.abi_minor;
  table.ctx = reinterpret_cast<lcg_host_ctx*>(&instance);
  table.instance_index = index;
  table.instance_count = count;
  table.slot_count = instance.world->options.slot_count;
  table.log = &host_log;
  table.now_ns = &host_now_ns;
  table.wall_ms = &host_wall_ms;
  table.random = &host_random;
  table.config = &host_config;
  table.slot_of = &host_slot_of;
  table.reply = &host_reply;
  table.publish = &host_publish;
  table.call = &host_call;
  table.disconnect = &host_disconnect;
  table.timer_start = &host_timer_start;
  table.timer_cancel = &host_timer_cancel;
  table.post = &host_post;
  table.offload = &host_offload;
  table.query = &host_query;
  return table;
}

}  // namespace lcg::testing
