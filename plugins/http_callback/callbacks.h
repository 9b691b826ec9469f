// SPDX-License-Identifier: Apache-2.0
// Callbacks: which back end a client's request goes to, and what comes of it (client-protocol 3). Lane: the
// instance's.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "lcg/host.hpp"
#include "lcg/reply.hpp"
#include "plugins/http_callback/back_end.h"
#include "plugins/http_callback/settings.h"

namespace lcg::http_callback {

class Callbacks {
 public:
  Callbacks(Host host, Poster& poster, const Settings& settings);

  // Answers defer what is nobody's: a connect with a token, a namespace without a back end of ours, an rpc that is another
  // plugin's.
  Task<Reply> connect(Request request);
  Task<Reply> refresh(Request request);
  Task<Reply> by_route(Request request);  // subscribe, publish, sub_refresh
  Task<Reply> rpc(Request request);
  // REQUIRES: Settings::before_commit is set.
  Task<Reply> before_commit(Commit commit);

 private:
  Task<Reply> ask(std::string back_end, Request request);
  static Task<Reply> answer(Reply reply) { co_return reply; }

  Host host_;
  const Settings& settings_;
  const std::string user_prefix_;
  std::map<std::string, std::unique_ptr<BackEnd>> back_ends_;
  std::set<std::string> unknown_;
};

}  // namespace lcg::http_callback
