// refresh and sub_refresh. Source: client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_refresh(Session& session, const protocol::Command& command) {
  // Only for those who were told that their credentials end.
  if (!session.expires() || command.named.token.empty()) return session.close(disconnect_code::kBadRequest);
  if (command.named.token.size() > protocol::kMaxTokenBytes)
    return session.close(disconnect_code::kInvalidToken);

  RefreshRequest request{session.peer(), std::string(command.named.token)};
  session.ask(
      Target::any(), std::move(request), [id = command.id](Session& asker, const RefreshResponse& answer) {
        if (answer.error.code == error_code::kTokenExpired || answer.error.code == error_code::kExpired) {
          return asker.close(disconnect_code::kExpired);
        }
        if (asker.refuse(id, answer)) return;
        if (answer.expire_at_ms != 0 && answer.expire_at_ms <= asker.context().lane.clock().wall_ms()) {
          return asker.close(disconnect_code::kExpired);
        }
        const uint32_t ttl = asker.set_expiry(answer.expire_at_ms);
        asker.answer(
            [&](const protocol::Encoder& encoder, std::string& out) { encoder.refresh(out, id, {ttl}); });
      });
}

// No subscription is ever told that it expires: the server ends it (2501) and the SDK subscribes again, with
// a new token if it uses them. So one that the client wants to refresh is a mistake of its.
void handle_sub_refresh(Session& session, const protocol::Command& command) {
  if (!check_channel(session, command.id, command.named.channel)) return;
  if (session.find_subscription(command.named.channel) == nullptr) {
    return session.fail(command.id, error_code::kPermissionDenied);
  }
  session.close(disconnect_code::kBadRequest);
}

}  // namespace lcg::gateway
