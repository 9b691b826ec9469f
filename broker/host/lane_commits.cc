// Before a commit: those who have a word to say are asked, one after another, on the lane of who keeps the log.
#include <utility>

#include "base/log.h"
#include "broker/host/abi_io.h"
#include "broker/host/lane_host.h"
#include "broker/plugin_json.h"
#include "lcg/ext/commit_codes.h"

namespace lcg::host {
namespace {

bool is_denial(lcg_status status) {
  switch (status) {
    case LCG_E_DENIED:
    case LCG_E_INVALID:
    case LCG_E_CONFLICT:
    case LCG_E_NOT_FOUND:
      return true;
    default:
      return false;
  }
}

PeerPtr peer_of(const lcg_peer* from) {
  const lcg_peer p = known_part(from);
  auto peer = std::make_shared<Peer>();
  peer->session = view(p.session_id);
  peer->user = view(p.user_id);
  peer->device = view(p.device_id);
  peer->device_epoch = p.device_epoch;
  peer->ephemeral_device = (p.flags & LCG_PEER_EPHEMERAL_DEVICE) != 0;
  return peer;
}

}  // namespace

lcg_status LaneHost::judge_commit(Instance& instance, const lcg_commit& commit, Done done) {
  if (view(commit.channel).empty()) return LCG_E_INVALID;
  auto judging = std::make_shared<Judging>();
  judging->kind = commit.kind;
  judging->peer = peer_of(commit.peer);
  judging->channel = view(commit.channel);
  judging->type = view(commit.type);
  judging->data = SharedBytes(view(commit.data));
  judging->target = commit.target;
  judging->cseq = commit.cseq;
  judging->max_bytes = commit.max_bytes;
  Outgoing o;
  o.done = done;
  o.service = "before_commit";
  o.method = judging->channel;
  o.request = std::move(judging);
  return submit_from(instance, std::move(o));
}

void LaneHost::judge(uint64_t token, std::shared_ptr<Judging> commit) {
  uint32_t& step = commit->step;
  while (step < instances_.size() && !shared_.interest.of(step, EventInterest::kCommits)) ++step;
  if (step == instances_.size()) {
    ServiceCallResponse kept{LCG_OK, 0, {}, {}};
    if (commit->replaced) kept.data = commit->data.view();
    return answered(token, std::move(kept));
  }
  CallFn done = [this, token, commit](ServiceCallResponse verdict) mutable {
    judged(token, std::move(commit), std::move(verdict));
  };
  if (Instance* here = instances_[step].get()) return ask_before_commit(*here, *commit, std::move(done));
  LaneHost& there = *shared_.lanes[shared_.roster[step].home];
  CallFn back = [this, done = std::move(done)](ServiceCallResponse verdict) mutable {
    lane_.post(
        [done = std::move(done), verdict = std::move(verdict)]() mutable { done(std::move(verdict)); });
  };
  // Work that was admitted once: not refused here.
  there.lane_.post([&there, plugin = step, commit = std::move(commit), back = std::move(back)]() mutable {
    there.ask_before_commit(*there.instances_[plugin], *commit, std::move(back));
  });
}

void LaneHost::ask_before_commit(Instance& instance, const Judging& commit, CallFn done) {
  if (instance.state() != Instance::State::kReady || !instance.judges_commits())
    return done({LCG_E_UNAVAILABLE, 0, "it is not running", {}});
  const bool full = instance.outstanding >= instance.plugin().max_outstanding;
  const lcg_token token = full ? 0 : pending_.open(&instance);
  if (token == 0) {
    count(instance.counters.busy);
    return done({LCG_E_BUSY, 0, "it has too much to answer", {}});
  }
  Pending& p = pending_.value(token);
  p.instance = &instance;
  p.judges = true;
  p.since = lane_.now();
  p.deadline = p.since + instance.plugin().before_commit.timeout;
  p.service = "before_commit";
  p.method = commit.channel;
  p.call_done = std::move(done);
  ++instance.outstanding;
  count(instance.counters.requests);

  const lcg_peer peer = c_peer(commit.peer.get());
  lcg_commit out{};
  out.struct_size = sizeof out;
  out.kind = commit.kind;
  out.deadline_ns = p.deadline.ns;
  out.peer = &peer;
  out.channel = c_str(commit.channel);
  out.type = c_str(commit.type);
  out.data = c_bytes(commit.data.view());
  out.target = commit.target;
  out.cseq = commit.cseq;
  out.max_bytes = commit.max_bytes;
  Entry entry(instance, "before_commit");
  instance.commits().on_commit(instance.handle(), token, &out);
  if (pending_.is_open(token)) arm(token, p);
}

void LaneHost::judged(uint64_t token, std::shared_ptr<Judging> commit, ServiceCallResponse verdict) {
  if (is_denial(verdict.status)) {
    verdict.status = LCG_E_DENIED;
    verdict.error_code = lcg_commit_code(verdict.error_code);
    verdict.data.clear();
    return answered(token, std::move(verdict));
  }
  std::string fault;
  if (verdict.status != LCG_OK) {
    fault =
        std::string(status_name(verdict.status)) + (verdict.message.empty() ? "" : ": " + verdict.message);
  } else if (!verdict.data.empty()) {
    std::optional<SharedBytes> line = broker::one_json_line(SharedBytes(verdict.data));
    if (!line) {
      fault = "its replacement is not one JSON value";
    } else if (commit->max_bytes != 0 && line->size() > commit->max_bytes) {
      fault = "its replacement has more than " + std::to_string(commit->max_bytes) + " bytes";
    } else {
      commit->data = std::move(*line);
      commit->replaced = true;
    }
  }
  const Plugin& plugin = shared_.roster[commit->step];
  const bool passes = fault.empty() || plugin.before_commit.pass_on_failure;
  if (!fault.empty()) {
    log::warn(
        "a plugin did not say whether something may be kept",
        {{"plugin", plugin.loaded.name},
         {"channel", commit->channel},
         {"why", fault},
         {"then", passes ? "kept (before_commit.on_failure: allow)" : "refused, the client may try again"}});
  }
  if (!passes) return answered(token, {LCG_E_UNAVAILABLE, 0, "not known whether it may be kept", {}});
  ++commit->step;
  judge(token, std::move(commit));
}

}  // namespace lcg::host
