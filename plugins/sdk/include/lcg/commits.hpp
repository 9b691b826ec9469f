// SPDX-License-Identifier: Apache-2.0
// commits.hpp: for a plugin that keeps a log: whoever has a word to say is asked before something is kept.
//
//   if (commits_are_judged(host_)) {
//     Reply judged = co_await judge_commit(host_, std::move(commit));
//     ok: keep it, as judged.data when that is not empty; LCG_E_DENIED: refuse it; others: not known, try again
//   }
//
// Lane: the instance's.
#pragma once
#include <coroutine>
#include <utility>

#include "lcg/ext/before_commit.h"
#include "lcg/host.hpp"

namespace lcg {
namespace detail {

class [[nodiscard]] JudgeCommitOp : public DoneOp {
 public:
  JudgeCommitOp(Host host, Commit commit) noexcept
      : DoneOp(host.core()), host_(host), commit_(std::move(commit)) {}
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    const auto* commits = host_.query<lcg_commits_v1>(LCG_COMMITS_V1);
    if (commits == nullptr) return false;
    const lcg_peer peer = to_c(commit_.peer);
    const lcg_commit out = to_c(commit_, peer);
    return accepted(commits->ask(core_->host()->ctx, &out, &DoneOp::done, static_cast<DoneOp*>(this)));
  }

 private:
  const Host host_;
  Commit commit_;
};

}  // namespace detail

// False: no plugin of this configuration has `before_commit`.
inline bool commits_are_judged(const Host& host) {
  const auto* commits = host.query<lcg_commits_v1>(LCG_COMMITS_V1);
  return commits != nullptr && commits->wanted(host.core()->host()->ctx) == LCG_OK;
}
inline detail::JudgeCommitOp judge_commit(Host host, Commit commit) noexcept {
  return {host, std::move(commit)};
}

}  // namespace lcg
