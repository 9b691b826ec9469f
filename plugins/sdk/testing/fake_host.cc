// SPDX-License-Identifier: Apache-2.0
#include "testing/fake_host.h"

#include <cstdio>
#include <sstream>

#include "testing/descriptor_check.h"
#include "testing/fake_world.h"

namespace lcg::testing {
namespace {

Request request_of(uint32_t kind, Peer peer) {
  Request request;
  static_cast<Peer&>(request) = std::move(peer);
  request.kind = kind;
  return request;
}

// As in a broker: what lets in says so, unless the plugin was built before it could.
bool is_no_objection(uint32_t kind, uint16_t abi_minor, const Reply& reply) {
  constexpr uint32_t kLetIn = 1u << LCG_REQ_CONNECT | 1u << LCG_REQ_SUBSCRIBE | 1u << LCG_REQ_PUBLISH |
                              1u << LCG_REQ_REFRESH | 1u << LCG_REQ_SUB_REFRESH;
  return ((kLetIn >> kind) & 1) != 0 && abi_minor >= 2 && reply.ok() && reply.disconnect_code == 0 &&
         (reply.flags & (LCG_RESULT_GRANT | LCG_RESULT_EXPIRED)) == 0 &&
         (kind != LCG_REQ_CONNECT || reply.user_id.empty());
}

// The instance that serves a request: by user, or by name before there is one.
Instance& instance_for(World& world, Plugin& plugin, const Request& request) {
  const std::string& key = request.user_id.empty() ? request.name : request.user_id;
  return *plugin.instances[world.slot_of(key) % plugin.instances.size()];
}

}  // namespace

Peer peer(std::string user_id, std::string device_id, std::string session_id) {
  Peer out;
  out.session_id = session_id.empty() ? "session-" + user_id + "-" + device_id : std::move(session_id);
  out.user_id = std::move(user_id);
  out.device_id = std::move(device_id);
  out.device_epoch = 1;
  out.remote_addr = "192.0.2.1:5555";
  return out;
}
Request connect(std::string credential, std::string data, Peer peer) {
  Request request = request_of(LCG_REQ_CONNECT, std::move(peer));
  request.credential = std::move(credential);
  request.data = std::move(data);
  return request;
}
Request subscribe(std::string channel, Peer peer) {
  Request request = request_of(LCG_REQ_SUBSCRIBE, std::move(peer));
  request.name = std::move(channel);
  return request;
}
Request publish(std::string channel, std::string data, Peer peer) {
  Request request = request_of(LCG_REQ_PUBLISH, std::move(peer));
  request.name = std::move(channel);
  request.data = std::move(data);
  return request;
}
Request rpc(std::string method, std::string data, Peer peer) {
  Request request = request_of(LCG_REQ_RPC, std::move(peer));
  request.name = std::move(method);
  request.data = std::move(data);
  return request;
}
Request refresh(std::string credential, Peer peer) {
  Request request = request_of(LCG_REQ_REFRESH, std::move(peer));
  request.credential = std::move(credential);
  return request;
}
Request sub_refresh(std::string channel, std::string credential, Peer peer) {
  Request request = request_of(LCG_REQ_SUB_REFRESH, std::move(peer));
  request.name = std::move(channel);
  request.credential = std::move(credential);
  return request;
}
Request http(std::string method_and_path, std::string body, std::string authorization, Peer peer) {
  Request request = request_of(LCG_REQ_HTTP, std::move(peer));
  request.flags |= LCG_PEER_HTTP;
  request.name = std::move(method_and_path);
  request.data = std::move(body);
  request.credential = std::move(authorization);
  return request;
}

Commit commit(std::string channel, std::string data, Peer peer, uint32_t kind) {
  Commit out;
  out.kind = kind;
  out.peer = std::move(peer);
  out.channel = std::move(channel);
  out.type = "text";
  out.data = std::move(data);
  out.max_bytes = 64u << 10;
  return out;
}

FakeHost::FakeHost(Options options) : world_(std::make_unique<World>(options)) {
  provide("storage", [this](const ServiceCall& call) { return world_->storage_.handle(call); });
}

FakeHost::~FakeHost() {
  world_->crash_step_ = 0;
  try {
    if (!world_->crashed_) stop();
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fake host: %s\n", e.what());
  }
  if (world_->crashed_) world_->kill_all();
}

// --- plugins -------------------------------------------------------------------------------------

void FakeHost::load(const lcg_descriptor* descriptor, Config config, uint32_t instances) {
  const std::string refusal = check_descriptor(descriptor, world_->options.abi_minor);
  if (!refusal.empty()) throw PluginError(refusal);
  const std::string name = descriptor->name;
  if (world_->find_plugin(name) != nullptr) throw PluginError(name + ": is loaded already");
  auto plugin = std::make_unique<Plugin>();
  plugin->descriptor = descriptor;
  plugin->config = std::move(config);
  plugin->count = instances;
  Plugin& added = *world_->plugins_.emplace_back(std::move(plugin));
  std::istringstream services(descriptor->provides);
  for (std::string service; services >> service;)
    provide_async(service, [world = world_.get(), name](ServiceCall call, std::function<void(Reply)> answer) {
      world->route(name, call, std::move(answer));
    });
  try {
    world_->start(added);
  } catch (const PluginError&) {
    world_->plugins_.pop_back();
    throw;
  }
}

void FakeHost::stop() {
  std::string failure;
  while (!world_->plugins_.empty()) {
    const std::string why = world_->stop(*world_->plugins_.back());
    if (failure.empty()) failure = why;
    if (world_->crashed_) return;
    world_->plugins_.pop_back();
  }
  if (!failure.empty()) throw PluginError(failure);
}

std::vector<std::string> FakeHost::unread_config(std::string_view name) const {
  std::vector<std::string> unread;
  const Plugin* plugin = world_->find_plugin(name);
  if (plugin == nullptr) return unread;
  for (const auto& [key, value] : plugin->config) {
    bool read = false;
    for (const auto& instance : plugin->instances) read = read || instance->read.count(key) != 0;
    if (!read) unread.push_back(key);
  }
  return unread;
}

void FakeHost::provide(const std::string& service, Provider provider) {
  provide_async(service, [provider = std::move(provider)](const ServiceCall& call,
                                                          const std::function<void(Reply)>& answer) {
    answer(provider(call));
  });
}

void FakeHost::provide_async(const std::string& service, AsyncProvider provider) {
  world_->providers_[service] = std::move(provider);
}

// --- asking --------------------------------------------------------------------------------------

Pending FakeHost::send(std::string_view name, Request request) {
  auto answer = std::make_shared<OpenAnswer>();
  Plugin* plugin = world_->find_plugin(name);
  if (world_->crashed_ || plugin == nullptr || plugin->instances.empty()) {
    answer->lost = world_->crashed_;
    answer->done = !world_->crashed_;
    answer->reply = Reply::error(LCG_E_UNAVAILABLE, std::string(name) + " is not loaded");
    return answer;
  }
  Instance& instance = instance_for(*world_, *plugin, request);
  world_->send(instance, std::move(request), answer);
  return answer;
}

Pending FakeHost::send(std::string_view name, ClientEvent event) {
  auto answer = std::make_shared<OpenAnswer>();
  Plugin* plugin = world_->find_plugin(name);
  if (world_->crashed_ || plugin == nullptr || plugin->instances.empty()) {
    answer->lost = world_->crashed_;
    answer->done = !world_->crashed_;
    answer->reply = Reply::error(LCG_E_UNAVAILABLE, std::string(name) + " is not loaded");
    return answer;
  }
  const uint32_t slot = world_->slot_of(event.channel.empty() ? event.peer.user_id : event.channel);
  world_->send(*plugin->instances[slot % plugin->instances.size()], std::move(event), answer);
  return answer;
}

Reply FakeHost::tell(std::string_view plugin, ClientEvent event) {
  const Pending pending = send(plugin, std::move(event));
  Reply reply = wait(pending);
  run();
  return reply;
}

Reply FakeHost::wait(const Pending& pending) {
  world_->run_until([this, &pending] { return pending->done || world_->crashed_; }, 600'000);
  if (pending->done) return pending->reply;
  return Reply::error(LCG_E_CANCELLED, "the world crashed");
}

Reply FakeHost::ask(std::string_view plugin, Request request) {
  return wait(send(plugin, std::move(request)));
}

Reply FakeHost::ask(Request request) {
  Reply carried = Reply::error(LCG_DEFER);
  bool passed = false;
  for (size_t i = 0; i < world_->plugins_.size(); ++i) {
    const lcg_descriptor& descriptor = *world_->plugins_[i]->descriptor;
    Reply reply = ask(descriptor.name, request);
    if (reply.status == LCG_DEFER) continue;
    const bool no_objection = is_no_objection(request.kind, descriptor.abi_minor, reply);
    if (reply.ok() && reply.data.empty()) reply.data = carried.data;
    if (reply.ok() && reply.options.empty()) reply.options = carried.options;
    if (!no_objection) return reply;
    passed = true;
    if (request.kind != LCG_REQ_PUBLISH) continue;
    carried.data = reply.data;
    carried.options = reply.options;
    if (!carried.data.empty()) request.data = carried.data;
  }
  return passed ? carried : Reply::error(LCG_E_DENIED, "no plugin took the request");
}

Reply FakeHost::commit(Commit commit) {
  bool done = false;
  Reply verdict;
  world_->judge(std::move(commit), 0, false, [&](Reply reply) {
    verdict = std::move(reply);
    done = true;
  });
  world_->run_until([&] { return done || world_->crashed_; }, 600'000);
  return done ? verdict : Reply::error(LCG_E_CANCELLED, "the world crashed");
}

Pending FakeHost::send_call(Call call) {
  auto answer = std::make_shared<OpenAnswer>();
  world_->answers_.push_back(answer);
  auto body = [](Host host, Call what, std::shared_ptr<OpenAnswer> out) -> Task<> {
    out->reply = co_await host.call(std::move(what));
    out->done = true;
  };
  host().spawn(body(host(), std::move(call), answer));
  return answer;
}

Reply FakeHost::call(Call call) { return wait(send_call(std::move(call))); }

void FakeHost::cancel(const Pending& pending) {
  const auto& open = static_cast<const OpenAnswer&>(*pending);
  const Instance* instance = world_->find(open.instance);
  if (open.done || instance == nullptr || instance->ops == nullptr) return;
  if (!LCG_HAS(instance->ops, on_cancel) || instance->ops->on_cancel == nullptr) return;
  world_->push(open.instance,
               [instance, token = open.token] { instance->ops->on_cancel(instance->self, token); });
}

void FakeHost::peer_gone(std::string_view name, const Peer& who, uint32_t code) {
  Plugin* plugin = world_->find_plugin(name);
  if (plugin == nullptr || !plugin->serving) return;
  const Instance& instance = instance_for(*world_, *plugin, request_of(0, who));
  if (!LCG_HAS(instance.ops, on_disconnect) || instance.ops->on_disconnect == nullptr) return;
  const lcg_peer out = detail::to_c(who);
  instance.ops->on_disconnect(instance.self, &out, code);
  run();
}

void FakeHost::set_slot(uint32_t slot, uint64_t term, bool owned) {
  world_->slots_.at(slot) = {term, owned};
  for (const auto& plugin : world_->plugins_) {
    const lcg_plugin_ops* ops = plugin->descriptor->ops;
    if (!plugin->serving || !LCG_HAS(ops, on_slot) || ops->on_slot == nullptr) continue;
    ops->on_slot(plugin->instances[slot % plugin->instances.size()]->self, slot, term, owned ? 1 : 0);
  }
  run();
}

uint32_t FakeHost::slot_of(std::string_view key) const { return world_->slot_of(key); }

// --- running -------------------------------------------------------------------------------------

void FakeHost::run() { world_->run(); }

void FakeHost::advance(int64_t ms) {
  World& world = *world_;
  const int64_t until = world.now_ns_ + ms * 1'000'000;
  world.run();
  while (world.jump(until)) world.run();
  const std::lock_guard lock(world.mutex_);
  if (!world.crashed_) world.now_ns_ = until;
}

bool FakeHost::run_until(const std::function<bool()>& condition, int64_t max_ms) {
  return world_->run_until(condition, max_ms);
}

void FakeHost::run_offloads() {
  while (!world_->offloads_.empty()) {
    const std::function<void()> work = std::move(world_->offloads_.front());
    world_->offloads_.pop_front();
    work();
  }
  run();
}

int64_t FakeHost::now_ns() const { return world_->test_.table.now_ns(world_->test_.table.ctx); }
int64_t FakeHost::wall_ms() const { return world_->test_.table.wall_ms(world_->test_.table.ctx); }
void FakeHost::skew_wall_ms(int64_t ms) { world_->wall_skew_ms_ += ms; }
Host FakeHost::host() { return Host(world_->test_core_.get()); }

// --- faults --------------------------------------------------------------------------------------

void FakeHost::inject(Fault fault) { world_->faults_.push_back({std::move(fault)}); }
void FakeHost::clear_faults() { world_->faults_.clear(); }
void FakeHost::crash_at(uint64_t nth, When when) {
  world_->crash_step_ = world_->steps_ + nth;
  world_->crash_when_ = when;
}
bool FakeHost::crashed() const { return world_->crashed_; }
uint64_t FakeHost::steps() const { return world_->steps_; }

void FakeHost::restart(size_t keep_unsynced) {
  world_->kill_all();
  world_->storage_.crash(keep_unsynced);
  for (World::Slot& slot : world_->slots_) ++slot.term;
  for (const auto& plugin : world_->plugins_) {
    world_->start(*plugin);
    if (world_->crashed_) return;
  }
}

// --- what happened -------------------------------------------------------------------------------

FakeStorage& FakeHost::storage() { return world_->storage_; }
const std::vector<Publication>& FakeHost::publications() const { return world_->publications_; }
const std::vector<Disconnect>& FakeHost::disconnects() const { return world_->disconnects_; }
const std::vector<UnsubscribeRecord>& FakeHost::unsubscribes() const { return world_->unsubscribes_; }
const std::vector<CallRecord>& FakeHost::calls() const { return world_->calls_; }
std::vector<LogRecord> FakeHost::logs() const {
  const std::lock_guard lock(world_->mutex_);
  return world_->logs_;
}
uint64_t FakeHost::stale_replies() const {
  const std::lock_guard lock(world_->mutex_);
  return world_->stale_replies_;
}
size_t FakeHost::open_requests() const {
  const std::lock_guard lock(world_->mutex_);
  return world_->tokens_.size();
}

}  // namespace lcg::testing
