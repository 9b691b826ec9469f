// Calls between plugins and from the broker, publications and disconnects: what goes out and how it is
// answered.
#include <array>
#include <charconv>

#include "base/log.h"
#include "broker/host/abi_io.h"
#include "broker/host/lane_host.h"
#include "broker/plugin_options.h"

namespace lcg::host {
namespace {

lcg_status status_of(const Outcome& outcome) {
  if (outcome.disconnect) return LCG_E_DENIED;
  switch (outcome.error.code) {
    case 0:
      return LCG_OK;
    case error_code::kInternal:
      return LCG_E_UNAVAILABLE;
    case error_code::kUnauthorized:
    case error_code::kPermissionDenied:
    case error_code::kTokenExpired:
    case error_code::kExpired:
      return LCG_E_DENIED;
    case error_code::kUnknownChannel:
      return LCG_E_NOT_FOUND;
    case error_code::kAlreadySubscribed:
    case error_code::kUnrecoverablePosition:
      return LCG_E_CONFLICT;
    case error_code::kBadRequest:
      return LCG_E_INVALID;
    case error_code::kMethodNotFound:
    case error_code::kNotAvailable:
      return LCG_E_UNSUPPORTED;
    case error_code::kLimitExceeded:
    case error_code::kTooManyRequests:
      return LCG_E_BUSY;
    default:
      return LCG_E_INTERNAL;
  }
}

ServiceCallResponse response_of(const Outcome& outcome) {
  return {status_of(outcome), outcome.error.code, outcome.error.message, {}};
}

// "offset epoch", as host->publish promises.
std::string position_text(const StreamPosition& position) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), position.offset).ptr;
  return std::string(digits.data(), end) + " " + position.epoch;
}

bool is_unsubscribe_code(uint32_t code) { return code >= unsubscribe_code::kServer && code <= 2999; }

bool is_disconnect_code(uint32_t code) { return code >= disconnect_code::kConnectionClosed && code <= 4999; }

}  // namespace

// --- accepting -----------------------------------------------------------------------------------

lcg_status LaneHost::submit_from(Instance& instance, Outgoing&& outgoing) {
  const uint64_t token = outgoing_.open(nullptr);
  if (token == 0) {
    count(instance.counters.busy);
    return LCG_E_BUSY;
  }
  outgoing.caller = &instance;
  outgoing.since = lane_.now();
  outgoing_.value(token) = std::move(outgoing);
  count(instance.counters.calls_out);
  defer(Step::kSend, token);
  return LCG_OK;
}

void LaneHost::call(ServiceCall call, Millis timeout, CallFn done) {
  const uint64_t token = outgoing_.open(nullptr);
  if (token == 0) {
    lane_.post([done = std::move(done)]() mutable { done({LCG_E_BUSY, 0, {}, {}}); });
    return;
  }
  Outgoing& o = outgoing_.value(token);
  o.caller = nullptr;
  o.host_done = std::move(done);
  o.since = lane_.now();
  o.timeout = timeout.count() > 0 ? timeout : shared_.roster.options().call_timeout;
  o.service = call.service;
  o.method = call.method;
  o.request = std::move(call);
  defer(Step::kSend, token);
  if (!draining_) schedule_drain();
}

lcg_status LaneHost::call_from(Instance& instance, const lcg_call& call, Done done) {
  if (view(call.service).empty()) return LCG_E_INVALID;
  if (!shared_.roster.services().find(view(call.service))) return LCG_E_UNAVAILABLE;
  Outgoing o;
  o.done = done;
  o.timeout = call.timeout_ms == 0 ? instance.plugin().call_timeout
                                   : std::min(Millis(call.timeout_ms), kMaxCallTimeout);
  o.service = view(call.service);
  o.method = view(call.method);
  ServiceCall request;
  request.service = o.service;
  request.method = o.method;
  request.key = view(call.key);
  request.data = view(call.data);
  request.caller = instance.name();
  o.request = std::move(request);
  return submit_from(instance, std::move(o));
}

lcg_status LaneHost::publish(Instance& instance, const lcg_publication& publication, Done done) {
  if (view(publication.channel).empty()) return LCG_E_INVALID;
  Outgoing o;
  o.done = done;
  o.timeout = instance.plugin().call_timeout;
  o.service = "publish";
  o.method = view(publication.channel);
  ServerPublish request;
  request.channel = o.method;
  request.positioned = (publication.flags & LCG_PUB_POSITIONED) != 0;
  std::optional<PublishOptions> options = broker::read_publish_options(view(publication.options));
  if (!options) return LCG_E_INVALID;
  request.options = std::move(*options);
  if ((publication.flags & LCG_PUB_NO_HISTORY) != 0) request.options.skip_history = true;
  request.publication.offset = request.positioned ? publication.offset : 0;
  if (request.positioned) request.publication.epoch = view(publication.epoch);
  request.publication.data = SharedBytes(view(publication.data));
  request.publication.info.user = view(publication.user_id);
  request.publication.info.client = view(publication.session_id);
  request.publication.has_info =
      !request.publication.info.user.empty() || !request.publication.info.client.empty();
  o.request = std::move(request);
  return submit_from(instance, std::move(o));
}

lcg_status LaneHost::disconnect(Instance& instance, const lcg_disconnect& disconnect, Done done) {
  DisconnectSessions request;
  request.session = view(disconnect.session_id);
  request.user = view(disconnect.user_id);
  request.device = view(disconnect.device_id);
  request.auth = view(disconnect.auth_id);
  const bool names_someone =
      !request.session.empty() || !request.user.empty() || !request.device.empty() || !request.auth.empty();
  if (!names_someone || !is_disconnect_code(disconnect.code)) return LCG_E_INVALID;
  request.disconnect = make_disconnect(disconnect.code);
  if (!view(disconnect.reason).empty())
    request.disconnect.reason = cut_at_character(view(disconnect.reason), kMaxMessage);
  Outgoing o;
  o.done = done;
  o.service = "disconnect";
  o.request = std::move(request);
  return submit_from(instance, std::move(o));
}

lcg_status LaneHost::unsubscribe(Instance& instance, UnsubscribeSessions request) {
  const bool names_someone = !request.session.empty() || !request.user.empty();
  if (request.channel.empty() || !names_someone || !is_unsubscribe_code(request.code)) return LCG_E_INVALID;
  request.reason = cut_at_character(request.reason, kMaxMessage);
  Outgoing o;
  o.service = "unsubscribe";
  o.method = request.channel;
  o.request = std::move(request);
  return submit_from(instance, std::move(o));
}

// --- sending -------------------------------------------------------------------------------------

void LaneHost::send(uint64_t token) {
  if (!outgoing_.is_open(token)) return;  // its caller has stopped meanwhile
  Outgoing& o = outgoing_.value(token);
  if (std::holds_alternative<ServiceCall>(o.request)) return send_call(token, o);
  if (std::holds_alternative<ServerPublish>(o.request)) return send_publish(token, o);
  if (std::holds_alternative<UnsubscribeSessions>(o.request)) return send_unsubscribe(token, o);
  if (auto* commit = std::get_if<std::shared_ptr<Judging>>(&o.request)) return judge(token, *commit);
  send_disconnect(token, o);
}

Target LaneHost::owner_of_channel(std::string_view channel) const {
  const std::string_view name_space = channel.substr(0, std::min(channel.find(':'), channel.size()));
  const bool provided =
      name_space.size() < channel.size() && shared_.roster.services().provides_channels(name_space);
  return Target::slot(slot_of_key(key_of_channel(channel, provided), static_cast<uint32_t>(owned_.size())));
}

void LaneHost::send_call(uint64_t token, Outgoing& o) {
  ServiceCall& call = std::get<ServiceCall>(o.request);
  const std::optional<uint32_t> provider = shared_.roster.services().find(call.service);
  if (!provider) {
    return answered(token,
                    {LCG_E_UNAVAILABLE, 0, "no plugin provides the service '" + call.service + "'", {}});
  }
  const Plugin& plugin = shared_.roster[*provider];
  const uint32_t slot = slot_of_key(call.key, slot_count());
  const MonoTime deadline = o.since + o.timeout;
  call.deadline_ns = deadline.ns;
  // Short cut: the provider is here and so is the slot, whose term is therefore known.
  Instance* here = instances_[*provider].get();
  if (here != nullptr && (owned_[slot].owned || (plugin.per_lane && call.key.empty()))) {
    return serve_on(*here, call, slot, owned_[slot].term,
                    [this, token](ServiceCallResponse response) { answered(token, std::move(response)); });
  }
  Target target = plugin.per_lane ? Target::slot(slot) : Target::lane(plugin.home);
  if (plugin.per_lane && call.key.empty()) target = Target::lane(lane_number_);
  shared_.bus.request(
      lane_, target, Request(std::move(call)),
      [this, token, deadline](Response response) {
        if (auto* answer = std::get_if<ServiceCallResponse>(&response))
          return answered(token, std::move(*answer));
        // The bus gave up: the target is gone or full, or it was too slow.
        answered(token, {lane_.now() < deadline ? LCG_E_UNAVAILABLE : LCG_E_TIMEOUT, 0, {}, {}});
      },
      o.timeout);
}

void LaneHost::send_publish(uint64_t token, Outgoing& o) {
  ServerPublish& publication = std::get<ServerPublish>(o.request);
  const Target target = owner_of_channel(publication.channel);
  lcg::ask(
      shared_.bus, lane_, target, std::move(publication),
      [this, token](PublishResponse response) {
        ServiceCallResponse out = response_of(response);
        if (out.status == LCG_OK) out.data = position_text(response.position);
        answered(token, std::move(out));
      },
      o.timeout);
}

// To the owner of the user's slot, which knows all its sessions; without a user to every broker lane. Without a `done`
// nobody waits.
void LaneHost::send_disconnect(uint64_t token, Outgoing& o) {
  DisconnectSessions request = std::move(std::get<DisconnectSessions>(o.request));
  std::vector<Target> targets;
  if (!request.user.empty()) {
    targets.push_back(Target::slot(slot_of_key(request.user, slot_count())));
  } else {
    for (uint32_t lane = 0; lane < shared_.bus.broker_lane_count(); ++lane)
      targets.push_back(Target::lane(lane));
  }
  struct Progress {
    size_t left;
    bool failed = false;
  };
  const bool awaited = o.done.fn != nullptr;
  auto progress = std::make_shared<Progress>(Progress{targets.size()});
  if (!awaited) answered(token, {});
  for (const Target& target : targets) {
    lcg::ask(shared_.bus, lane_, target, request,
             [this, token, awaited, progress](const DisconnectSessionsResponse& answer) {
               progress->failed |= !answer.ok();
               if (--progress->left > 0 || !awaited) return;
               answered(token, {progress->failed ? LCG_E_UNAVAILABLE : LCG_OK, 0, {}, {}});
             });
  }
}

// In one queue with the publications, so that it takes effect between those made before and after it.
void LaneHost::send_unsubscribe(uint64_t token, Outgoing& o) {
  UnsubscribeSessions request = std::move(std::get<UnsubscribeSessions>(o.request));
  answered(token, {});
  const Target target = owner_of_channel(request.channel);
  lcg::ask(shared_.bus, lane_, target, std::move(request), [this](const UnsubscribeSessionsResponse& answer) {
    if (!answer.ok()) log::error("an unsubscribe by a plugin was lost", {{"lane", lane_number_}});
  });
}

void LaneHost::answered(uint64_t token, ServiceCallResponse response) {
  if (!outgoing_.claim(token)) return;  // cancelled when its caller stopped
  Outgoing& o = outgoing_.value(token);
  Instance* caller = o.caller;
  const Done done = o.done;
  CallFn host_done = std::exchange(o.host_done, nullptr);
  o.request = std::monostate();
  outgoing_.close(token);
  if (caller == nullptr) return host_done(std::move(response));
  if (done.fn == nullptr || !caller->may_be_entered()) return;
  const lcg_result result = c_result(response);
  Entry entry(*caller, "done");
  done.fn(done.user, &result);
}

// --- serving -------------------------------------------------------------------------------------

void LaneHost::serve(ServiceCall call, uint32_t slot, uint64_t term, CallFn done) {
  const std::optional<uint32_t> provider = shared_.roster.services().find(call.service);
  if (!provider)
    return done({LCG_E_UNAVAILABLE, 0, "no plugin provides the service '" + call.service + "'", {}});
  Instance* instance = instances_[*provider].get();
  if (instance == nullptr) return forward(shared_.roster[*provider], std::move(call), std::move(done));
  serve_on(*instance, call, slot, term, std::move(done));
}

// Who asked knows where slots live, not where a plugin's only instance does: a gateway.
void LaneHost::forward(const Plugin& plugin, ServiceCall call, CallFn done) {
  const MonoTime now = lane_.now();
  const MonoTime deadline = call.deadline_ns != 0 ? MonoTime{call.deadline_ns} : now + plugin.call_timeout;
  if (deadline <= now) return done({LCG_E_TIMEOUT, 0, {}, {}});
  shared_.bus.request(
      lane_, Target::lane(plugin.home), Request(std::move(call)),
      [this, deadline, done = std::move(done)](Response response) mutable {
        if (auto* answer = std::get_if<ServiceCallResponse>(&response)) return done(std::move(*answer));
        done({lane_.now() < deadline ? LCG_E_UNAVAILABLE : LCG_E_TIMEOUT, 0, {}, {}});
      },
      std::chrono::ceil<Millis>(deadline - now));
}

void LaneHost::serve_on(Instance& instance, const ServiceCall& call, uint32_t slot, uint64_t term,
                        CallFn done) {
  if (instance.state() != Instance::State::kReady) {
    return done({LCG_E_UNAVAILABLE, 0, "plugin '" + instance.name() + "' is not running", {}});
  }
  const MonoTime now = lane_.now();
  const MonoTime deadline =
      call.deadline_ns != 0 ? MonoTime{call.deadline_ns} : now + instance.plugin().call_timeout;
  if (deadline <= now) return done({LCG_E_TIMEOUT, 0, {}, {}});
  const bool full = instance.outstanding >= instance.plugin().max_outstanding;
  const lcg_token token = full ? 0 : pending_.open(&instance);
  if (token == 0) {
    count(instance.counters.busy);
    return done({LCG_E_BUSY, 0, {}, {}});
  }
  Pending& p = pending_.value(token);
  p.instance = &instance;
  p.since = now;
  p.deadline = deadline;
  p.service = call.service;
  p.method = call.method;
  p.call_done = std::move(done);
  ++instance.outstanding;
  count(instance.counters.calls_in);

  lcg_call out{};
  out.struct_size = sizeof out;
  out.timeout_ms = static_cast<uint32_t>(std::chrono::ceil<Millis>(deadline - now).count());
  out.service = c_str(call.service);
  out.method = c_str(call.method);
  out.key = c_str(call.key);
  out.data = c_bytes(call.data);
  out.deadline_ns = deadline.ns;
  out.slot = slot;
  out.term = term;
  out.caller = c_str(call.caller);
  Entry entry(instance, "on_call");
  instance.ops().on_call(instance.handle(), token, &out);
  if (pending_.is_open(token)) arm(token, p);
}

}  // namespace lcg::host
