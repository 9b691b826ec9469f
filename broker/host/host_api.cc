#include "broker/host/host_api.h"

#include "broker/api/bus.h"
#include "broker/host/abi_io.h"
#include "broker/host/lane_host.h"
#include "lcg/ext/before_commit.h"
#include "lcg/ext/channels.h"
#include "lcg/ext/services.h"
#include "lcg/ext/sessions.h"
#include "lcg/ext/users.h"

namespace lcg::host {
namespace {

Instance& self(lcg_host_ctx* context) { return *context->instance; }
LaneHost& host(lcg_host_ctx* context) { return context->instance->lane_host(); }

// For the functions that belong to the lane: refused elsewhere, where they would corrupt its state.
bool usable(lcg_host_ctx* context) {
  return host(context).lane().is_current() && self(context).may_use_host();
}
lcg_status refusal(lcg_host_ctx* context) {
  if (self(context).may_use_host()) {
    self(context).log(4, "a host function of the lane was called from another thread; use post");
    return LCG_E_INVALID;
  }
  return LCG_E_CANCELLED;
}

// --- any thread ----------------------------------------------------------------------------------

void api_log(lcg_host_ctx* context, uint32_t level, lcg_str message) noexcept {
  self(context).log(level, view(message));
}

int64_t api_now_ns(lcg_host_ctx* context) noexcept { return host(context).lane().now().ns; }

int64_t api_wall_ms(lcg_host_ctx* context) noexcept { return host(context).lane().clock().wall_ms(); }

void api_random(lcg_host_ctx* context, void* out, size_t size) noexcept {
  host(context).lane().random().fill({static_cast<std::byte*>(out), size});
}

uint32_t api_slot_of(lcg_host_ctx* context, lcg_str key) noexcept {
  return slot_of_key(view(key), host(context).slot_count());
}

lcg_status api_reply(lcg_host_ctx* context, lcg_token token, const lcg_result* result) noexcept {
  return host(context).reply(self(context), token, result);
}

lcg_status api_post(lcg_host_ctx* context, lcg_fn fn, void* user) noexcept {
  if (fn == nullptr) return LCG_E_INVALID;
  return host(context).post(self(context), fn, user);
}

// --- the instance's lane -------------------------------------------------------------------------

lcg_status api_config(lcg_host_ctx* context, lcg_str path, lcg_str* out) noexcept {
  if (out == nullptr) return LCG_E_INVALID;
  if (!usable(context)) return refusal(context);
  return self(context).config(view(path), out);
}

lcg_status api_publish(lcg_host_ctx* context, const lcg_publication* publication, lcg_done_fn done,
                       void* user) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).publish(self(context), known_part(publication), {done, user});
}

lcg_status api_call(lcg_host_ctx* context, const lcg_call* call, lcg_done_fn done, void* user) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).call_from(self(context), known_part(call), {done, user});
}

lcg_status api_disconnect(lcg_host_ctx* context, const lcg_disconnect* disconnect) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).disconnect(self(context), known_part(disconnect), {});
}

lcg_status api_timer_start(lcg_host_ctx* context, uint32_t delay_ms, lcg_fn fn, void* user,
                           lcg_timer* out) noexcept {
  if (fn == nullptr) return LCG_E_INVALID;
  if (!usable(context)) return refusal(context);
  lcg_timer timer = 0;
  const lcg_status status = host(context).start_timer(self(context), Millis(delay_ms), fn, user, timer);
  if (out != nullptr) *out = timer;
  return status;
}

// Allowed in destroy, too: that is where many cancel what they started.
lcg_status api_timer_cancel(lcg_host_ctx* context, lcg_timer timer) noexcept {
  if (!host(context).lane().is_current()) return refusal(context);
  return host(context).cancel_timer(self(context), timer);
}

lcg_status api_offload(lcg_host_ctx* context, lcg_fn work, lcg_fn done, void* user) noexcept {
  if (work == nullptr) return LCG_E_INVALID;
  if (!usable(context)) return refusal(context);
  return host(context).offload(self(context), work, done, user);
}

// --- optional interfaces -------------------------------------------------------------------------

lcg_status channels_unsubscribe(lcg_host_ctx* context, lcg_str channel, lcg_str user_id, uint32_t code,
                                lcg_str reason) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).unsubscribe(
      self(context),
      {std::string(view(channel)), {}, std::string(view(user_id)), code, std::string(view(reason))});
}

lcg_status channels_unsubscribe_session(lcg_host_ctx* context, lcg_str channel, lcg_str session_id,
                                        uint32_t code, lcg_str reason) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).unsubscribe(
      self(context),
      {std::string(view(channel)), std::string(view(session_id)), {}, code, std::string(view(reason))});
}

lcg_status sessions_disconnect(lcg_host_ctx* context, const lcg_disconnect* disconnect, lcg_done_fn done,
                               void* user) noexcept {
  if (!usable(context)) return refusal(context);
  if (done == nullptr) return LCG_E_INVALID;
  return host(context).disconnect(self(context), known_part(disconnect), {done, user});
}

lcg_status users_prefix(lcg_host_ctx* context, lcg_str* out) noexcept {
  if (out == nullptr) return LCG_E_INVALID;
  if (!usable(context)) return refusal(context);
  *out = c_str(host(context).user_prefix(self(context)));
  return LCG_OK;
}

lcg_status users_prefix_of(lcg_host_ctx* context, lcg_str user, lcg_str* out) noexcept {
  if (out == nullptr) return LCG_E_INVALID;
  if (!usable(context)) return refusal(context);
  *out = c_str(host(context).user_prefix_of(view(user)));
  return LCG_OK;
}

lcg_status services_provided(lcg_host_ctx* context, lcg_str service) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).provides(view(service)) ? LCG_OK : LCG_E_NOT_FOUND;
}

lcg_status commits_wanted(lcg_host_ctx* context) noexcept {
  if (!usable(context)) return refusal(context);
  return host(context).judges_commits() ? LCG_OK : LCG_E_NOT_FOUND;
}

lcg_status commits_ask(lcg_host_ctx* context, const lcg_commit* commit, lcg_done_fn done,
                       void* user) noexcept {
  if (!usable(context)) return refusal(context);
  if (done == nullptr) return LCG_E_INVALID;
  return host(context).judge_commit(self(context), known_part(commit), {done, user});
}

const void* api_query(lcg_host_ctx*, lcg_str name) noexcept {
  static constexpr lcg_commits_v1 kCommits = {sizeof(lcg_commits_v1), 0, &commits_wanted, &commits_ask};
  if (view(name) == LCG_COMMITS_V1) return &kCommits;
  static constexpr lcg_users_v1 kUsers = {sizeof(lcg_users_v1), &users_prefix, &users_prefix_of};
  if (view(name) == LCG_USERS_V1) return &kUsers;
  static constexpr lcg_services_v1 kServices = {sizeof(lcg_services_v1), &services_provided};
  if (view(name) == LCG_SERVICES_V1) return &kServices;
  static constexpr lcg_channels_v1 kChannels = {sizeof(lcg_channels_v1), &channels_unsubscribe,
                                                &channels_unsubscribe_session};
  static constexpr lcg_sessions_v1 kSessions = {sizeof(lcg_sessions_v1), &sessions_disconnect};
  if (view(name) == LCG_CHANNELS_V1) return &kChannels;
  return view(name) == LCG_SESSIONS_V1 ? &kSessions : nullptr;
}

}  // namespace

lcg_host make_host_table(lcg_host_ctx& context) {
  lcg_host table{};
  table.struct_size = sizeof table;
  table.abi_major = LCG_ABI_MAJOR;
  table.abi_minor = LCG_ABI_MINOR;
  table.ctx = &context;
  table.log = &api_log;
  table.now_ns = &api_now_ns;
  table.wall_ms = &api_wall_ms;
  table.random = &api_random;
  table.config = &api_config;
  table.slot_of = &api_slot_of;
  table.reply = &api_reply;
  table.publish = &api_publish;
  table.call = &api_call;
  table.disconnect = &api_disconnect;
  table.timer_start = &api_timer_start;
  table.timer_cancel = &api_timer_cancel;
  table.post = &api_post;
  table.offload = &api_offload;
  table.query = &api_query;
  return table;
}

}  // namespace lcg::host
