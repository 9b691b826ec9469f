// SPDX-License-Identifier: Apache-2.0
// fake_routing.cc: how requests, calls, publications and answers travel between the test and the plugins.
#include <algorithm>
#include <charconv>

#include "testing/fake_world.h"

namespace lcg::testing {
namespace {

bool known_status(lcg_status status) { return status <= LCG_DEFER && status >= LCG_E_FENCED; }

}  // namespace

uint32_t World::slot_of(std::string_view key) const {
  if (key.size() > 1 && key.front() == '@') {
    uint32_t slot = 0;
    const auto parsed = std::from_chars(key.data() + 1, key.data() + key.size(), slot);
    if (parsed.ec == std::errc() && parsed.ptr == key.data() + key.size()) return slot % options.slot_count;
  }
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return static_cast<uint32_t>(hash % options.slot_count);
}

World::Crossing World::cross(const Instance& who) {
  if (crashed_) return Crossing::kDropped;
  if (who.plugin.empty()) return Crossing::kProceed;
  if (++steps_ != crash_step_) return Crossing::kProceed;
  if (crash_when_ == When::kAfter) return Crossing::kFreezeAfter;
  crashed_ = true;
  return Crossing::kDropped;
}

const Fault* World::match(std::string_view service, std::string_view method) {
  const Fault* hit = nullptr;
  for (ArmedFault& armed : faults_) {
    const Fault& fault = armed.fault;
    if (!fault.service.empty() ? fault.service != service : service == "@publish") continue;
    if (!fault.method.empty() && fault.method != method) continue;
    ++armed.seen;
    if (armed.seen >= fault.nth && armed.seen < fault.nth + fault.times) hit = &fault;
  }
  return hit;
}

// --- tokens --------------------------------------------------------------------------------------

lcg_token World::issue(uint64_t instance, Complete complete, int64_t timeout_ms, bool counts) {
  const lcg_token token = next_token_++;
  const lcg_timer deadline = start_timer(0, timeout_ms, [this, token] { expire(token); });
  const std::lock_guard lock(mutex_);
  tokens_.emplace(token, Token{instance, std::move(complete), deadline, counts});
  return token;
}

lcg_status World::reply(Instance& from, lcg_token token, const lcg_result* result) {
  Reply answer = detail::from_c(result);
  if (result == nullptr || !known_status(answer.status))
    answer = Reply::error(LCG_E_INTERNAL, "internal error");
  const std::lock_guard lock(mutex_);
  if (crashed_) return LCG_OK;
  const auto found = tokens_.find(token);
  if (found == tokens_.end() || found->second.instance != from.serial) {
    ++stale_replies_;
    return LCG_E_STALE;
  }
  const Crossing crossing = found->second.counts ? cross(from) : Crossing::kProceed;
  if (crossing == Crossing::kDropped) return LCG_OK;
  const bool freeze = crossing == Crossing::kFreezeAfter;
  ready_.push_back({0, [this, freeze, item = std::move(found->second), answer = std::move(answer)]() mutable {
                      cancel_timer(item.deadline);
                      item.complete(std::move(answer));
                      if (freeze) crashed_ = true;
                    }});
  tokens_.erase(found);
  posted_.notify_all();
  return LCG_OK;
}

void World::expire(lcg_token token) {
  Token item;
  {
    const std::lock_guard lock(mutex_);
    const auto found = tokens_.find(token);
    if (found == tokens_.end()) return;
    item = std::move(found->second);
    tokens_.erase(found);
  }
  item.complete(Reply::error(LCG_E_TIMEOUT, "deadline passed"));
  Instance* instance = find(item.instance);
  if (instance != nullptr && instance->ops != nullptr && LCG_HAS(instance->ops, on_cancel) &&
      instance->ops->on_cancel != nullptr)
    instance->ops->on_cancel(instance->self, token);
}

// --- requests ------------------------------------------------------------------------------------

void World::send(Instance& to, Request request, std::shared_ptr<OpenAnswer> answer) {
  answer->instance = to.serial;
  answers_.push_back(answer);
  if ((to.ops->request_mask & (1u << request.kind)) == 0) {
    answer->reply = Reply::defer();
    answer->done = true;
    return;
  }
  answer->token = issue(
      to.serial,
      [answer](Reply reply) {
        answer->reply = std::move(reply);
        answer->done = true;
      },
      options.request_timeout_ms);
  request.token = answer->token;
  request.deadline_ns = now_ns_ + int64_t{options.request_timeout_ms} * 1'000'000;
  push(to.serial, [this, serial = to.serial, request = std::move(request)] {
    const Instance& instance = *find(serial);
    const lcg_peer peer = detail::to_c(request);
    lcg_request out{};
    out.struct_size = sizeof out;
    out.kind = request.kind;
    out.token = request.token;
    out.deadline_ns = request.deadline_ns;
    out.peer = &peer;
    out.name = str(request.name);
    out.data = bytes(request.data);
    out.credential = str(request.credential);
    out.route = str(request.route);
    out.channels = bytes(request.channels);
    instance.ops->on_request(instance.self, &out);
  });
}

void World::send(Instance& to, ClientEvent event, std::shared_ptr<OpenAnswer> answer) {
  answer->instance = to.serial;
  answers_.push_back(answer);
  const bool asks = LCG_HAS(to.ops, query) && to.ops->query != nullptr;
  const auto* events =
      asks ? static_cast<const lcg_events_v1*>(to.ops->query(to.self, str(LCG_EVENTS_V1))) : nullptr;
  const bool waits = event.kind == LCG_EVENT_CONNECT || event.kind == LCG_EVENT_SUBSCRIBE ||
                     event.kind == LCG_EVENT_OCCUPIED;
  const bool wanted = events != nullptr && (events->event_mask >> event.kind & 1) != 0;
  if (!waits || !wanted) answer->done = true;
  if (!wanted) return;
  if (waits) {
    answer->token = issue(
        to.serial,
        [answer](Reply reply) {
          answer->reply = std::move(reply);
          answer->done = true;
        },
        options.request_timeout_ms);
  }
  event.slot = slot_of(event.channel.empty() ? event.peer.user_id : event.channel);
  event.term = slots_[event.slot].term;
  push(to.serial, [this, serial = to.serial, events, token = answer->token, event = std::move(event)] {
    const lcg_peer peer = detail::to_c(event.peer);
    const bool of_channel = event.kind == LCG_EVENT_OCCUPIED || event.kind == LCG_EVENT_VACATED;
    lcg_event out{};
    out.struct_size = sizeof out;
    out.kind = event.kind;
    out.time_ms = event.time_ms;
    out.peer = of_channel ? nullptr : &peer;
    out.channel = str(event.channel);
    out.code = event.code;
    out.slot = event.slot;
    out.reason = str(event.reason);
    out.term = event.term;
    events->on_event(find(serial)->self, token, &out);
  });
}

// --- calls ---------------------------------------------------------------------------------------

lcg_status World::start_call(Instance& caller, const lcg_call& in, lcg_done_fn done, void* user) {
  ServiceCall call = detail::from_c(0, &in);
  call.slot = slot_of(call.key);
  call.term = slots_[call.slot].term;
  call.caller = caller.plugin.empty() ? "host" : caller.plugin;
  Crossing crossing;
  {
    const std::lock_guard lock(mutex_);
    crossing = cross(caller);
  }
  if (crossing == Crossing::kDropped) return LCG_OK;
  const Fault* fault = nullptr;
  if (!caller.plugin.empty()) {
    calls_.push_back({call.caller, call.service, call.method, call.key, call.data, call.slot});
    fault = match(call.service, call.method);
  }
  if (fault != nullptr && fault->refuse) return fault->status;

  const uint64_t id = next_id_++;
  const int64_t timeout_ms = in.timeout_ms != 0 ? in.timeout_ms : options.call_timeout_ms;
  call.deadline_ns = now_ns_ + timeout_ms * 1'000'000;
  const uint64_t serial = caller.serial;
  const lcg_timer timeout = start_timer(0, timeout_ms, [this, serial, id] {
    finish_call(serial, id, Reply::error(LCG_E_TIMEOUT, "deadline passed"));
  });
  caller.calls.emplace(id, Instance::Call{done, user, timeout});

  const bool freeze = crossing == Crossing::kFreezeAfter;
  const lcg_status instead = fault != nullptr ? fault->status : LCG_OK;
  Complete complete = [this, serial, id, freeze, instead](Reply reply) {
    if (freeze) {
      crashed_ = true;
      return;
    }
    if (instead != LCG_OK) reply = Reply::error(instead, "injected");
    int64_t jitter = 0;
    if (options.reply_jitter_ms != 0) {
      uint64_t chance = 0;
      test_.table.random(test_.table.ctx, &chance, sizeof chance);
      jitter = static_cast<int64_t>(chance % (options.reply_jitter_ms + 1));
    }
    start_timer(0, jitter, [this, serial, id, reply = std::move(reply)] { finish_call(serial, id, reply); });
  };
  if (fault != nullptr && fault->when == When::kBefore)
    push(0, [complete = std::move(complete)] { complete({}); });
  else
    push(0, [this, call = std::move(call), complete = std::move(complete)] { deliver(call, complete); });
  return LCG_OK;
}

void World::finish_call(uint64_t serial, uint64_t id, const Reply& reply) {
  Instance* instance = find(serial);
  if (instance == nullptr) return;
  const auto found = instance->calls.find(id);
  if (found == instance->calls.end()) return;
  const Instance::Call call = found->second;
  instance->calls.erase(found);
  cancel_timer(call.timeout);
  if (call.done != nullptr)
    detail::with_c(reply, [&call](const lcg_result* result) { call.done(call.user, result); });
}

void World::deliver(ServiceCall call, Complete complete) {
  const auto provider = providers_.find(call.service);
  if (provider == providers_.end()) {
    complete(Reply::error(LCG_E_UNAVAILABLE, "nobody provides the service " + call.service));
    return;
  }
  const FakeHost::AsyncProvider answer = provider->second;  // a copy: it may be replaced meanwhile
  answer(std::move(call), std::move(complete));
}

void World::route(const std::string& name, const ServiceCall& call, Complete complete) {
  Plugin* plugin = find_plugin(name);
  if (plugin == nullptr || !plugin->serving) {
    complete(Reply::error(LCG_E_UNAVAILABLE, name + " is not serving"));
    return;
  }
  const Instance& to = *plugin->instances[call.slot % plugin->instances.size()];
  const int64_t left_ms = std::max<int64_t>(0, (call.deadline_ns - now_ns_) / 1'000'000);
  const lcg_token token = issue(to.serial, std::move(complete), left_ms);
  lcg_call out{};
  out.struct_size = sizeof out;
  out.service = str(call.service);
  out.method = str(call.method);
  out.key = str(call.key);
  out.data = bytes(call.data);
  out.deadline_ns = call.deadline_ns;
  out.slot = call.slot;
  out.term = call.term;
  out.caller = str(call.caller);
  to.ops->on_call(to.self, token, &out);
}

lcg_status World::start_publish(Instance& from, const lcg_publication& in, lcg_done_fn done, void* user) {
  Crossing crossing;
  {
    const std::lock_guard lock(mutex_);
    crossing = cross(from);
  }
  if (crossing == Crossing::kDropped) return LCG_OK;
  Publication publication(copy(in.channel), copy(in.data));
  publication.user_id = copy(in.user_id);
  publication.session_id = copy(in.session_id);
  publication.flags = in.flags;
  publication.offset = in.offset;
  publication.epoch = copy(in.epoch);
  if (LCG_HAS(&in, options)) publication.options = copy(in.options);
  const Fault* fault = match("@publish", publication.channel);
  if (fault != nullptr && fault->refuse) return fault->status;
  Reply reply = fault != nullptr ? Reply::error(fault->status, "injected") : Reply();
  if (fault == nullptr || fault->when == When::kAfter) {
    if ((publication.flags & LCG_PUB_POSITIONED) == 0) {
      publication.offset = ++offset_of_channel_[publication.channel];
      publication.epoch = "fake";
    }
    reply.data = std::to_string(publication.offset) + " " + publication.epoch;
    publications_.push_back(std::move(publication));
  }
  if (crossing == Crossing::kFreezeAfter) {
    crashed_ = true;
    return LCG_OK;
  }
  if (done == nullptr) return LCG_OK;
  const uint64_t id = next_id_++;
  from.calls.emplace(id, Instance::Call{done, user, 0});
  push(0, [this, serial = from.serial, id, reply = std::move(reply)] { finish_call(serial, id, reply); });
  return LCG_OK;
}

lcg_status World::start_offload(Instance& from, lcg_fn work, lcg_fn done, void* user) {
  if (crashed_) return LCG_OK;
  if (offloads_open_ >= options.offload_limit) return LCG_E_BUSY;
  ++offloads_open_;
  auto both = [this, serial = from.serial, work, done, user] {
    work(user);
    push(serial, [this, done, user] {
      --offloads_open_;
      done(user);
    });
  };
  if (options.defer_offload && !starting_)
    offloads_.emplace_back(std::move(both));
  else
    push(from.serial, std::move(both));
  return LCG_OK;
}

}  // namespace lcg::testing
