// SPDX-License-Identifier: Apache-2.0
// plugin.hpp: makes a class a plugin. Include this one header, write the class, end with LCG_PLUGIN.
//
// The class is constructed with a lcg::Host; a constructor that throws refuses to start with the text of what
// it threw. It has the handlers it wants, and only those: no base class, and the host skips what is missing
// at no cost.
//
//   Task<Reply> on_connect(Request)    on_subscribe, on_publish, on_rpc, on_refresh, on_sub_refresh, on_http:
//                                      likewise
//   Task<Reply> on_call(ServiceCall)   a call of a service named in LCG_PLUGIN_PROVIDES
//   Task<Reply> on_event(ClientEvent)  what happens to sessions and channels (ext/events.h): all of it, or the
//                                      kinds of `static constexpr uint32_t event_mask()`, bits 1u << LCG_EVENT_x.
//                                      Answer ok when it is kept; the answer to one with token 0 goes nowhere.
//                                      With `bool wants_events() const`: only if that says so after create
//   Task<Reply> before_commit(Commit)  a message, an edit or a reaction is about to be kept (ext/before_commit.h):
//                                      Reply{} lets it pass, Reply::with(body) puts another body in its place,
//                                      Reply::error(LCG_E_DENIED, "why") refuses it. With `bool wants_commits()
//                                      const`: only if that says so after create
//   void on_slot(uint32_t slot, uint64_t term, bool owned)
//   void on_disconnect(Peer, uint32_t code)
//   Task<Reply> start()                after the constructor; it serves when this ends; an error refuses it
//   void on_stopping()                 stop was asked: wake what waits for events of the plugin's own
//   Task<> stop()                      last, when no handler and no spawned task runs any more: flush, join
//   const void* query(std::string_view name)
//
// Handlers of one instance run on one lane, interleaved only where they co_await. An exception that leaves
// one is logged and the client is told "internal error". A request that arrives after stop was asked is
// answered LCG_E_CANCELLED.
#pragma once
#include <cstdio>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lcg/detail/c_structs.hpp"
#include "lcg/detail/core.hpp"
#include "lcg/ext/before_commit.h"
#include "lcg/ext/events.h"
#include "lcg/host.hpp"
#include "lcg/lcg_plugin.h"
#include "lcg/reply.hpp"
#include "lcg/task.hpp"

namespace lcg::detail {

inline Task<Reply> deferred() { co_return Reply::defer(); }

// The instance: the author's object, and the C functions that enter it.
template <class P>
class Instance {
 public:
  explicit Instance(const lcg_host* host) : core_(host), plugin_(Host(&core_)) {}
  // Coroutines first: their frames refer to the plugin.
  ~Instance() { core_.destroy_all(); }

  static constexpr uint32_t request_mask() {
    uint32_t mask = 0;
    if constexpr (requires { &P::on_connect; }) mask |= 1u << LCG_REQ_CONNECT;
    if constexpr (requires { &P::on_subscribe; }) mask |= 1u << LCG_REQ_SUBSCRIBE;
    if constexpr (requires { &P::on_publish; }) mask |= 1u << LCG_REQ_PUBLISH;
    if constexpr (requires { &P::on_rpc; }) mask |= 1u << LCG_REQ_RPC;
    if constexpr (requires { &P::on_refresh; }) mask |= 1u << LCG_REQ_REFRESH;
    if constexpr (requires { &P::on_http; }) mask |= 1u << LCG_REQ_HTTP;
    if constexpr (requires { &P::on_sub_refresh; }) mask |= 1u << LCG_REQ_SUB_REFRESH;
    return mask;
  }
  static constexpr bool has_events() {
    // By its signature: a plugin may have had a function of that name before there were events.
    return requires(P & plugin, ClientEvent event) { plugin.on_event(std::move(event)); };
  }
  static constexpr bool has_commits() {
    return requires(P & plugin, Commit commit) { plugin.before_commit(std::move(commit)); };
  }
  static constexpr uint32_t event_mask() {
    if constexpr (requires { P::event_mask(); })
      return P::event_mask();
    else
      return 1u << LCG_EVENT_CONNECT | 1u << LCG_EVENT_DISCONNECT | 1u << LCG_EVENT_SUBSCRIBE |
             1u << LCG_EVENT_UNSUBSCRIBE | 1u << LCG_EVENT_OCCUPIED | 1u << LCG_EVENT_VACATED;
  }

  static constexpr lcg_plugin_ops make_ops() {
    lcg_plugin_ops ops{};
    ops.struct_size = sizeof ops;
    ops.request_mask = request_mask();
    ops.create = &create;
    ops.start = &start;
    ops.stop = &stop;
    ops.destroy = &destroy;
    if constexpr (request_mask() != 0) ops.on_request = &on_request;
    if constexpr (requires { &P::on_call; }) ops.on_call = &on_call;
    if constexpr (request_mask() != 0 || has_events() || has_commits() || requires { &P::on_call; })
      ops.on_cancel = &on_cancel;
    if constexpr (requires { &P::on_slot; }) ops.on_slot = &on_slot;
    if constexpr (requires { &P::on_disconnect; }) ops.on_disconnect = &on_disconnect;
    if constexpr (has_events() || has_commits() || requires { &P::query; }) ops.query = &query;
    return ops;
  }

 private:
  static Instance& self(lcg_instance* instance) noexcept { return *reinterpret_cast<Instance*>(instance); }

  void reply(lcg_token token, const Reply& reply) noexcept {
    const lcg_host* host = core_.host();
    with_c(reply, [host, token](const lcg_result* result) { return host->reply(host->ctx, token, result); });
  }
  Reply internal_error(std::string_view where) {
    core_.log(4, std::string(where) + " ended by an exception: " + describe_current_exception());
    return Reply::error(LCG_E_INTERNAL, "internal error");
  }

  Task<Reply> dispatch(Request request) {
    switch (request.kind) {
      case LCG_REQ_CONNECT:
        if constexpr (requires { &P::on_connect; }) return plugin_.on_connect(std::move(request));
        break;
      case LCG_REQ_SUBSCRIBE:
        if constexpr (requires { &P::on_subscribe; }) return plugin_.on_subscribe(std::move(request));
        break;
      case LCG_REQ_PUBLISH:
        if constexpr (requires { &P::on_publish; }) return plugin_.on_publish(std::move(request));
        break;
      case LCG_REQ_RPC:
        if constexpr (requires { &P::on_rpc; }) return plugin_.on_rpc(std::move(request));
        break;
      case LCG_REQ_REFRESH:
        if constexpr (requires { &P::on_refresh; }) return plugin_.on_refresh(std::move(request));
        break;
      case LCG_REQ_HTTP:
        if constexpr (requires { &P::on_http; }) return plugin_.on_http(std::move(request));
        break;
      case LCG_REQ_SUB_REFRESH:
        if constexpr (requires { &P::on_sub_refresh; }) return plugin_.on_sub_refresh(std::move(request));
        break;
      default:
        break;
    }
    return deferred();
  }
  Task<Reply> dispatch(ServiceCall call) { return plugin_.on_call(std::move(call)); }
  Task<Reply> dispatch(ClientEvent event) { return plugin_.on_event(std::move(event)); }
  Task<Reply> dispatch(Commit commit) { return plugin_.before_commit(std::move(commit)); }

  // One request, call or event from arrival to answer.
  template <class Arrival>
  static Detached serve(Instance* self, Arrival event, std::string_view handler) {
    const InFlight in_flight(self->core_, event.token);
    event.cancel_flag = in_flight.cancelled;
    Reply reply;
    try {
      Task<Reply> task = self->dispatch(std::move(event));
      reply = co_await std::move(task);
    } catch (...) {
      reply = self->internal_error(handler);
    }
    if (in_flight.token != 0) self->reply(in_flight.token, reply);
  }
  static Detached run_start(Instance* self, lcg_token ready) {
    Reply reply;
    if constexpr (requires { &P::start; }) {
      try {
        if constexpr (std::is_same_v<decltype(self->plugin_.start()), Task<Reply>>) {
          reply = co_await self->plugin_.start();
        } else {
          co_await self->plugin_.start();
        }
      } catch (...) {
        // The operator reads this, not a client: say what is wrong.
        reply = Reply::error(LCG_E_INTERNAL, describe_current_exception());
      }
    }
    self->reply(ready, reply);
    co_return;
  }
  static Detached run_stop(Instance* self, lcg_token done) {
    co_await self->core_.drained();
    Reply reply;
    if constexpr (requires { &P::stop; }) {
      try {
        static_assert(std::is_same_v<decltype(self->plugin_.stop()), Task<void>>, "stop is Task<> stop()");
        co_await self->plugin_.stop();
      } catch (...) {
        reply = self->internal_error("stop");
      }
    }
    self->reply(done, reply);
  }

  // Runs `body` for a callback without an answer; what it throws ends in the log.
  template <class F>
  void enter(std::string_view where, F body) noexcept {
    const Turn turn;
    try {
      body();
    } catch (...) {
      internal_error(where);
    }
  }

  static lcg_status create(const lcg_host* host, lcg_instance** out, char* err, size_t err_size) noexcept {
    const Turn turn;
    try {
      *out = reinterpret_cast<lcg_instance*>(new Instance(host));
      return LCG_OK;
    } catch (const ConfigError& e) {
      std::snprintf(err, err_size, "%s", e.what());
      return LCG_E_INVALID;
    } catch (...) {
      std::snprintf(err, err_size, "%s", describe_current_exception().c_str());
      return LCG_E_INTERNAL;
    }
  }
  static void start(lcg_instance* instance, lcg_token ready) noexcept {
    self(instance).core_.start(run_start(&self(instance), ready));
  }
  static void stop(lcg_instance* instance, lcg_token done) noexcept {
    Instance& me = self(instance);
    const Turn turn;
    me.core_.close();
    if constexpr (requires { &P::on_stopping; }) me.enter("on_stopping", [&me] { me.plugin_.on_stopping(); });
    me.core_.start_control(run_stop(&me, done));
  }
  static void destroy(lcg_instance* instance) noexcept {
    const Turn turn;
    delete &self(instance);
  }

  template <class Arrival>
  static void arrive(Instance& me, Arrival event, std::string_view handler) noexcept {
    if (me.core_.stopping()) {
      if (event.token != 0) me.reply(event.token, Reply::error(LCG_E_CANCELLED, "stopping"));
      return;
    }
    me.core_.start(serve(&me, std::move(event), handler));
  }
  static void on_request(lcg_instance* instance, const lcg_request* request) noexcept {
    arrive(self(instance), from_c(request), "request handler");
  }
  static void on_call(lcg_instance* instance, lcg_token token, const lcg_call* call) noexcept {
    arrive(self(instance), from_c(token, call), "on_call");
  }
  static void on_event(lcg_instance* instance, lcg_token token, const lcg_event* event) noexcept {
    arrive(self(instance), from_c(token, event), "on_event");
  }
  static void on_commit(lcg_instance* instance, lcg_token token, const lcg_commit* commit) noexcept {
    arrive(self(instance), from_c(token, commit), "before_commit");
  }
  static void on_cancel(lcg_instance* instance, lcg_token token) noexcept {
    self(instance).core_.cancel(token);
  }
  static void on_slot(lcg_instance* instance, uint32_t slot, uint64_t term, uint32_t owned) noexcept {
    Instance& me = self(instance);
    me.enter("on_slot", [&] { me.plugin_.on_slot(slot, term, owned != 0); });
  }
  static void on_disconnect(lcg_instance* instance, const lcg_peer* peer, uint32_t code) noexcept {
    Instance& me = self(instance);
    me.enter("on_disconnect", [&] {
      Peer who;
      from_c(peer, who);
      me.plugin_.on_disconnect(std::move(who), code);
    });
  }
  static const void* query(lcg_instance* instance, lcg_str name) noexcept {
    if constexpr (has_events()) {
      static constexpr lcg_events_v1 kEvents = {sizeof(lcg_events_v1), event_mask(), &on_event};
      bool wanted = true;
      if constexpr (requires { self(instance).plugin_.wants_events(); })
        wanted = self(instance).plugin_.wants_events();
      if (wanted && view(name) == LCG_EVENTS_V1) return &kEvents;
    }
    if constexpr (has_commits()) {
      static constexpr lcg_before_commit_v1 kCommits = {sizeof(lcg_before_commit_v1), 0, &on_commit};
      bool wanted = true;
      if constexpr (requires { self(instance).plugin_.wants_commits(); })
        wanted = self(instance).plugin_.wants_commits();
      if (wanted && view(name) == LCG_BEFORE_COMMIT_V1) return &kCommits;
    }
    if constexpr (requires { &P::query; }) return self(instance).plugin_.query(view(name));
    return nullptr;
  }

  Core core_;
  P plugin_;
};

template <class P>
inline constexpr lcg_plugin_ops kOps = Instance<P>::make_ops();

}  // namespace lcg::detail

namespace lcg {

// The descriptor of class P. Constant data: no code runs to make it.
template <class P>
constexpr lcg_descriptor describe(const char* name, const char* version, const char* license,
                                  const char* provides) noexcept {
  lcg_descriptor d{};
  d.magic = LCG_ABI_MAGIC;
  d.struct_size = sizeof d;
  d.abi_major = LCG_ABI_MAJOR;
  d.abi_minor = LCG_ABI_MINOR;
  if constexpr (requires { P::kMinHostMinor; }) d.min_host_minor = P::kMinHostMinor;
  d.name = name;
  d.version = version;
  d.license = license;
  d.provides = provides;
  d.ops = &detail::kOps<P>;
  return d;
}

}  // namespace lcg

// At the end of one source file, outside any namespace. `provides`: space-separated service names.
#define LCG_PLUGIN_PROVIDES(Class, name, version, license, provides)                                        \
  extern "C" const lcg_descriptor* lcg_plugin_descriptor(void) LCG_NOEXCEPT {                               \
    static constexpr lcg_descriptor kDescriptor = ::lcg::describe<Class>(name, version, license, provides); \
    return &kDescriptor;                                                                                    \
  }

#define LCG_PLUGIN(Class, name, version, license) LCG_PLUGIN_PROVIDES(Class, name, version, license, "")
