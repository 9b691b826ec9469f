// The queue of deferred steps, the chain, and what plugins have to answer.
#include "broker/host/lane_host.h"

#include "base/log.h"
#include "broker/host/abi_io.h"

namespace lcg::host {
namespace {

Millis until(MonoTime deadline, MonoTime now) { return std::chrono::ceil<Millis>(deadline - now); }

// What a chain is told when a plugin is down, late or full. Who asks to come in, or to put something in, is
// denied; code 100 (temporary) tells a client to try again rather than to give up its login. HTTP and rpc get
// the status.
ChainResult refusal(uint32_t kind, lcg_status why) {
  ChainResult out;
  out.status = why;
  if (kind == LCG_REQ_RPC || kind == LCG_REQ_HTTP) return out;
  out.status = LCG_E_DENIED;
  out.error_code = why == LCG_E_BUSY ? error_code::kTooManyRequests : error_code::kInternal;
  return out;
}

}  // namespace

LaneHost::LaneHost(const Shared& shared, uint32_t lane_number, Lane& lane)
    : shared_(shared),
      lane_number_(lane_number),
      lane_(lane),
      owned_(shared.bus.slot_count()),
      pending_(lane.random().u64()),
      outgoing_(lane.random().u64()),
      timers_(lane.random().u64()) {
  for (uint32_t i = 0; i < shared_.roster.size(); ++i) {
    const Plugin& plugin = shared_.roster[i];
    instances_.push_back(
        plugin.lives_on(lane_number) ? std::make_unique<Instance>(*this, plugin, slot_count()) : nullptr);
  }
}

LaneHost::~LaneHost() = default;

// --- deferred steps ------------------------------------------------------------------------------

void LaneHost::drain() {
  if (draining_ || steps_.empty()) return;
  draining_ = true;
  size_t next = 0;
  while (next < steps_.size() && next < kTurnBatch) {
    const auto [step, token] = steps_[next++];
    // A completion is the broker's code, run at the plugin's edge: an exception of one must not take the
    // others along.
    try {
      step == Step::kFinish ? finish(token) : send(token);
    } catch (const std::exception& e) {
      log::error("exception in a completion", {{"lane", lane_number_}, {"what", e.what()}});
    }
  }
  draining_ = false;
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(next));
  if (!steps_.empty()) schedule_drain();
}

void LaneHost::schedule_drain() {
  if (std::exchange(drain_posted_, true)) return;
  lane_.post([this] {
    drain_posted_ = false;
    drain();
  });
}

// --- the chain -----------------------------------------------------------------------------------

void LaneHost::run_chain(ChainRequest request, Millis timeout, ChainFn done) {
  const uint32_t kind = request.kind;
  const lcg_token token = pending_.open(nullptr);
  if (token == 0) return done(refusal(kind, LCG_E_BUSY));
  pending_.claim(token);
  Pending& p = pending_.value(token);
  p.since = lane_.now();
  p.deadline = p.since + timeout;
  p.request = std::move(request);
  p.chain_done = std::move(done);
  advance(token);
}

// A chain that another lane runs and whose plugin lives here.
void LaneHost::answer_for(uint32_t plugin, ChainRequest request, MonoTime deadline, ChainFn done) {
  const lcg_token token = pending_.open(nullptr);
  if (token == 0) return done(refusal(request.kind, LCG_E_BUSY));
  pending_.claim(token);
  Pending& p = pending_.value(token);
  p.one_plugin = true;
  p.since = lane_.now();
  p.deadline = deadline;
  p.request = std::move(request);
  p.chain_done = std::move(done);
  ask(*instances_[plugin], token);
}

void LaneHost::advance(lcg_token token) {
  Pending& p = pending_.value(token);
  const std::vector<uint32_t>& chain = shared_.roster.chain(p.request.kind);
  if (p.step == chain.size()) {
    p.one_plugin = true;  // nobody is left to ask: the deferral is the answer
    p.chain_result = {};
    return finish(token);
  }
  const uint32_t plugin = chain[p.step];
  if (Instance* here = instances_[plugin].get()) return ask(*here, token);
  ask_other_lane(plugin, token);
}

void LaneHost::ask(Instance& instance, lcg_token claimed) {
  if (instance.state() != Instance::State::kReady) return refuse(claimed, LCG_E_UNAVAILABLE);
  if (instance.outstanding >= instance.plugin().max_outstanding) {
    count(instance.counters.busy);
    return refuse(claimed, LCG_E_BUSY);
  }
  const lcg_token token = pending_.reopen(claimed, &instance);
  Pending& p = pending_.value(token);
  p.instance = &instance;
  ++instance.outstanding;
  count(instance.counters.requests);

  lcg_peer peer = c_peer(p.request.peer.get());
  peer.client_name = c_str(p.request.client_name);
  peer.client_version = c_str(p.request.client_version);
  lcg_request request{};
  request.struct_size = sizeof request;
  request.kind = p.request.kind;
  request.token = token;
  request.deadline_ns = p.deadline.ns;
  request.peer = &peer;
  request.name = c_str(p.request.name);
  request.data = c_bytes(p.request.data.view());
  request.credential = c_str(p.request.credential);
  request.route = c_str(p.request.route);
  request.channels = c_bytes(p.request.channels.view());
  Entry entry(instance, "on_request");
  instance.ops().on_request(instance.handle(), &request);
  // Most answers are given by now, and need no timer.
  if (pending_.is_open(token)) arm(token, p);
}

void LaneHost::ask_other_lane(uint32_t plugin, lcg_token claimed) {
  const lcg_token token = pending_.reopen(claimed, nullptr);
  Pending& p = pending_.value(token);
  LaneHost& there = *shared_.lanes[shared_.roster[plugin].home];
  ChainFn back = [this, token](ChainResult result) {
    lane_.post([this, token, result = std::move(result)]() mutable {
      if (!pending_.claim(token)) return;  // too late: the deadline has answered
      pending_.value(token).chain_result = std::move(result);
      finish(token);
    });
  };
  const bool admitted = there.lane_.try_post(
      [&there, plugin, request = p.request, deadline = p.deadline, back = std::move(back)]() mutable {
        there.answer_for(plugin, std::move(request), deadline, std::move(back));
      });
  if (admitted) return arm(token, p);
  pending_.claim(token);
  refuse(token, LCG_E_BUSY);
}

void LaneHost::refuse(lcg_token token, lcg_status why) {
  Pending& p = pending_.value(token);
  p.chain_result = refusal(p.request.kind, why);
  finish(token);
}

// --- what is pending -----------------------------------------------------------------------------

void LaneHost::arm(lcg_token token, Pending& p) {
  p.timer = lane_.start_timer(std::max(until(p.deadline, lane_.now()), Millis(0)),
                              [this, token] { expire(token); });
}

void LaneHost::expire(lcg_token token) {
  if (!pending_.claim(token)) return;  // an answer from another thread is on its way
  Pending& p = pending_.value(token);
  p.timer = 0;
  if (p.instance != nullptr) {
    count(p.instance->counters.timeouts);
    if (!p.control && p.instance->ops().on_cancel != nullptr) {
      Entry entry(*p.instance, "on_cancel");
      p.instance->ops().on_cancel(p.instance->handle(), token);
    }
  }
  if (p.chain_done) return refuse(token, LCG_E_TIMEOUT);
  p.call_result = {LCG_E_TIMEOUT, 0, {}, {}};
  finish(token);
}

lcg_status LaneHost::reply(Instance& instance, lcg_token token, const lcg_result* result) {
  if (!pending_.claim(token, &instance)) {
    count(instance.counters.stale);
    return LCG_E_STALE;
  }
  // Ours alone until finish().
  Pending& p = pending_.value(token);
  if (p.chain_done) {
    read_chain_result(result, p.chain_result);
    if (p.request.kind == LCG_REQ_CONNECT) hold_to_own_users(instance, p.chain_result);
    without_grant(instance, p.request.kind, p.chain_result);
  } else {
    read_call_result(result, p.call_result, p.control ? kMaxReason : kMaxMessage);
    if (p.judges && readable(result) && result->status == LCG_DEFER) p.call_result.status = LCG_OK;
  }
  // The question is answered all the same: a plugin that answers so has no better answer to come.
  const lcg_status taken = readable(result) ? LCG_OK : LCG_E_INVALID;
  if (!lane_.is_current()) {
    lane_.post([this, token] { finish(token); });
    return taken;
  }
  defer(Step::kFinish, token);
  if (depth_ == 0) drain();
  return taken;
}

// An answer that lets in says so. One of LCG_OK alone has no objection: that is a deferral which, to a publish, may have
// other data and options. Plugins of before 1.2 have no way to say it: theirs lets in.
void LaneHost::without_grant(Instance& instance, uint32_t kind, ChainResult& answer) {
  constexpr uint32_t kLetIn = 1u << LCG_REQ_CONNECT | 1u << LCG_REQ_SUBSCRIBE | 1u << LCG_REQ_PUBLISH |
                              1u << LCG_REQ_REFRESH | 1u << LCG_REQ_SUB_REFRESH;
  if (((kLetIn >> kind) & 1) == 0 || answer.disconnect_code != 0) return;
  if (answer.status == LCG_DEFER) answer = {};
  // Whoever names the user lets that user in.
  const bool says_so = (answer.flags & (LCG_RESULT_GRANT | LCG_RESULT_EXPIRED)) != 0 ||
                       (kind == LCG_REQ_CONNECT && !answer.user.empty());
  if (answer.status != LCG_OK || says_so || instance.plugin().loaded.abi_minor < 2) return;
  const bool publish = kind == LCG_REQ_PUBLISH;
  if (answer.expire_at_ms != 0 || !answer.info.empty() || !answer.channels.empty() || !answer.meta.empty() ||
      (!publish && (!answer.data.empty() || !answer.options.empty()))) {
    instance.log(3,
                 "an answer lets nobody in, and what it says is not used: it has no LCG_RESULT_GRANT "
                 "(Reply::grant(), Reply::user())");
  }
  ChainResult passed;
  if (publish) {
    passed.data = std::move(answer.data);
    passed.options = std::move(answer.options);
  }
  answer = std::move(passed);
}

// What an earlier plugin put in the place of a publication's data and options, until a later one says otherwise.
void LaneHost::take_along(Pending& p) {
  ChainResult& result = p.chain_result;
  if (result.status == LCG_OK || result.status == LCG_DEFER) {
    if (p.replaced && result.data.empty()) result.data = p.request.data;
    if (result.options.empty()) result.options = p.options;
  }
  p.replaced = false;
  p.options = SharedBytes();
}

// A plugin that names another authority's user is wrong, or hostile: nobody comes in by it, and the operator is told.
void LaneHost::hold_to_own_users(Instance& instance, ChainResult& who) {
  if (who.status != LCG_OK) return;
  const Authorities& authorities = shared_.roster.authorities();
  const uint32_t plugin = instance.plugin().number;
  if (authorities.may_give(plugin, who.user)) return;
  const std::string& prefix = authorities.prefix(plugin);
  instance.log(
      4, "a client was refused: the plugin answered its connect with a user id that is not its own; " +
             (prefix.empty() ? "ids have 1 to 255 bytes of text and begin with no other plugin's user_prefix"
                             : "its ids begin with its user_prefix \"" + prefix + "\"") +
             " user=" + who.user);
  who = ChainResult{};
  who.status = LCG_E_DENIED;
  who.disconnect_code = disconnect_code::kPermissionDenied;
}

// Hands the answer on, or asks the next plugin. The slot is free for others before `done` runs.
void LaneHost::finish(lcg_token token) {
  Pending& p = pending_.value(token);
  if (p.timer != 0) lane_.cancel_timer(std::exchange(p.timer, 0));
  if (Instance* instance = std::exchange(p.instance, nullptr); instance != nullptr && !p.control)
    --instance->outstanding;
  p.control = false;
  p.judges = false;
  if (p.chain_done) {
    if (p.chain_result.status == LCG_DEFER && !p.one_plugin) {
      if (!p.chain_result.data.empty()) {
        p.request.data = std::move(p.chain_result.data);
        p.replaced = true;
      }
      if (!p.chain_result.options.empty()) p.options = std::move(p.chain_result.options);
      ++p.step;
      return advance(token);
    }
    if (p.request.kind == LCG_REQ_PUBLISH) take_along(p);
    p.one_plugin = false;
    p.step = 0;
    // Not p.request = {}: this is the hot path, and strings are written over anyway.
    p.request.peer.reset();
    p.request.data = SharedBytes();
    p.request.channels = SharedBytes();
    p.request.credential.clear();
    ChainFn done = std::move(p.chain_done);
    ChainResult result = std::move(p.chain_result);
    pending_.close(token);
    return done(std::move(result));
  }
  CallFn done = std::move(p.call_done);
  ServiceCallResponse result = std::move(p.call_result);
  pending_.close(token);
  done(std::move(result));
}

}  // namespace lcg::host
