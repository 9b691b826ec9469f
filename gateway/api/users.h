// How the methods about users reach their sessions.
#pragma once
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {

// Whose sessions are meant is told by `user`, which may be narrowed by `client` or `session`, two names of one thing
// (a connection has one session); for an anonymous session by one of them alone. False: none of the three, or two that
// name nobody together; the call was answered.
bool names_sessions(Call& call);

// The slot of the user or, when only the client is known, every lane.
std::vector<Target> owners_of(const Call& call);

// Asks them; a result of nothing.
template <class R>
void ask_owners(CallPtr call, R request) {
  Context& context = call->context;
  std::vector<Target> targets = owners_of(*call);
  gather(context.bus, context.lane, std::move(targets), std::move(request),
         [call = std::move(call)](const Outcome& outcome, const auto&) {
           if (!outcome.ok()) return call->refuse(outcome);
           call->succeed();
         });
}

}  // namespace lcg::gateway::api
