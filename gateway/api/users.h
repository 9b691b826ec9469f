// How the methods about users reach their sessions.
#pragma once
#include "gateway/api/bounded.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {

// Whose sessions are meant is told by `user`, which may be narrowed by `client`; for an anonymous session by
// `client` alone. False: neither, or `session`, which names nothing here; the call was refused.
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
           if (!outcome.ok()) return call->refuse(outcome, call->about_user());
           call->succeed();
         });
}

}  // namespace lcg::gateway::api
