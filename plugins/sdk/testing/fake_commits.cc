// SPDX-License-Identifier: Apache-2.0
// fake_commits.cc: what is about to be kept, on its way through the plugins that have a word to say.
#include "lcg/ext/before_commit.h"
#include "lcg/ext/commit_codes.h"
#include "lcg/json.hpp"
#include "testing/fake_world.h"

namespace lcg::testing {
namespace {

constexpr int64_t kTimeoutMs = 1000;  // a broker's default

bool is_denial(lcg_status status) {
  return status == LCG_E_DENIED || status == LCG_E_INVALID || status == LCG_E_CONFLICT ||
         status == LCG_E_NOT_FOUND;
}

}  // namespace

const lcg_before_commit_v1* World::judge_of(const Plugin& plugin) {
  if (plugin.instances.empty()) return nullptr;
  const Instance& first = *plugin.instances.front();
  if (!LCG_HAS(first.ops, query) || first.ops->query == nullptr) return nullptr;
  return static_cast<const lcg_before_commit_v1*>(first.ops->query(first.self, str(LCG_BEFORE_COMMIT_V1)));
}

void World::judge(Commit commit, size_t step, bool replaced, Complete complete) {
  while (step < plugins_.size() && judge_of(*plugins_[step]) == nullptr) ++step;
  if (step == plugins_.size()) return complete(replaced ? Reply::with(commit.data) : Reply());
  Plugin& plugin = *plugins_[step];
  Instance& to = *plugin.instances[slot_of(commit.channel) % plugin.instances.size()];
  // In a test the keys of the plugin's entry stand among its settings.
  const auto rule = plugin.config.find("before_commit.on_failure");
  const bool passes = rule != plugin.config.end() && rule->second == "allow";
  auto answered = [this, commit, step, replaced, passes, complete](Reply reply) mutable {
    if (is_denial(reply.status)) {
      reply.status = LCG_E_DENIED;
      reply.error_code = lcg_commit_code(reply.error_code);
      return complete(std::move(reply));
    }
    const bool fits =
        json::valid(reply.data) && (commit.max_bytes == 0 || reply.data.size() <= commit.max_bytes);
    const bool good = (reply.ok() || reply.status == LCG_DEFER) && (reply.data.empty() || fits);
    if (!good && !passes)
      return complete(Reply::error(LCG_E_UNAVAILABLE, "not known whether it may be kept"));
    if (good && !reply.data.empty()) {
      commit.data = json::one_line(reply.data);
      replaced = true;
    }
    judge(std::move(commit), step + 1, replaced, std::move(complete));
  };
  const lcg_token token = issue(to.serial, std::move(answered), kTimeoutMs);
  commit.deadline_ns = now_ns_ + kTimeoutMs * 1'000'000;
  push(to.serial, [this, serial = to.serial, token, judge = judge_of(plugin), commit = std::move(commit)] {
    const lcg_peer peer = detail::to_c(commit.peer);
    const lcg_commit out = detail::to_c(commit, peer);
    judge->on_commit(find(serial)->self, token, &out);
  });
}

lcg_status World::start_judging(Instance& caller, const lcg_commit& in, lcg_done_fn done, void* user) {
  Commit commit = detail::from_c(0, &in);
  const uint64_t id = next_id_++;
  caller.calls.emplace(id, Instance::Call{done, user, 0});
  push(0, [this, serial = caller.serial, id, commit = std::move(commit)] {
    judge(commit, 0, false, [this, serial, id](Reply reply) { finish_call(serial, id, reply); });
  });
  return LCG_OK;
}

}  // namespace lcg::testing
