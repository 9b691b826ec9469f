// SPDX-License-Identifier: Apache-2.0
// sessions.hpp: ending sessions and waiting until they have ended: what a revocation does before it is acknowledged.
//
//   Disconnect d{3500, "login revoked", {}, user, {}, auth_id};
//   Reply ended = co_await end_sessions(host_, std::move(d));
//
// Resolves to a Reply: ok, every session that matches is closed, every connect that was under way is refused,
// every remembered bearer token forgotten; LCG_E_UNAVAILABLE, that is not known: try again (ext/sessions.h). On a
// host that does not offer "sessions/1" it is Host::disconnect. Lane: the instance's.
#pragma once
#include <coroutine>
#include <utility>

#include "lcg/ext/sessions.h"
#include "lcg/host.hpp"

namespace lcg {
namespace detail {

class [[nodiscard]] EndSessionsOp : public DoneOp {
 public:
  EndSessionsOp(Host host, Disconnect disconnect) noexcept
      : DoneOp(host.core()), host_(host), disconnect_(std::move(disconnect)) {}
  bool await_suspend(std::coroutine_handle<> handle) noexcept {
    handle_ = handle;
    const auto* sessions = host_.query<lcg_sessions_v1>(LCG_SESSIONS_V1);
    if (sessions == nullptr) {
      reply_.status = host_.disconnect(disconnect_);
      return false;
    }
    lcg_disconnect out{};
    out.struct_size = sizeof out;
    out.code = disconnect_.code;
    out.reason = str(disconnect_.reason);
    out.session_id = str(disconnect_.session_id);
    out.user_id = str(disconnect_.user_id);
    out.device_id = str(disconnect_.device_id);
    out.auth_id = str(disconnect_.auth_id);
    lcg_host_ctx* const context = core_->host()->ctx;
    return accepted(sessions->disconnect(context, &out, &DoneOp::done, static_cast<DoneOp*>(this)));
  }

 private:
  const Host host_;
  Disconnect disconnect_;
};

}  // namespace detail

inline detail::EndSessionsOp end_sessions(Host host, Disconnect disconnect) noexcept {
  return {host, std::move(disconnect)};
}

}  // namespace lcg
