// refresh and sub_refresh by the client. What the server refreshes itself is in session_timers.cc. Source:
// client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_refresh(Session& session, const protocol::Command& command) {
  if (command.named.token.empty()) return session.close(disconnect_code::kBadRequest);
  if (command.named.token.size() > protocol::kMaxTokenBytes)
    return session.close(disconnect_code::kInvalidToken);
  // The client was told of an end that the server has put off meanwhile: there is nothing to refresh.
  if (!session.client_refreshes()) {
    return session.answer([id = command.id](const protocol::Encoder& encoder, std::string& out) {
      encoder.refresh(out, id, {0});
    });
  }

  RefreshRequest request{session.peer(), std::string(command.named.token)};
  session.ask(
      Target::any(), std::move(request), [id = command.id](Session& asker, const RefreshResponse& answer) {
        if (answer.error.code == error_code::kTokenExpired || answer.error.code == error_code::kExpired) {
          return asker.close(disconnect_code::kExpired);
        }
        if (asker.refuse(id, answer) || !asker.refreshed(answer)) return;
        const uint32_t ttl = asker.set_expiry(answer.expire_at_ms);
        asker.answer_secret(
            [&](const protocol::Encoder& encoder, std::string& out) { encoder.refresh(out, id, {ttl}); });
      });
}

void handle_sub_refresh(Session& session, const protocol::Command& command) {
  const protocol::NamedCommand& refresh = command.named;
  if (!check_channel(session, command.id, refresh.channel)) return;
  // A shared poll's.
  if (refresh.type != 0) return session.fail(command.id, error_code::kNotAvailable);
  const Subscription* subscription = session.find_subscription(refresh.channel);
  if (subscription == nullptr) return session.fail(command.id, error_code::kPermissionDenied);
  if (!subscription->client_refresh) return session.close(disconnect_code::kBadRequest);
  if (refresh.token.empty()) return session.fail(command.id, error_code::kBadRequest);
  if (refresh.token.size() > protocol::kMaxTokenBytes) return session.close(disconnect_code::kInvalidToken);

  std::string channel(refresh.channel);
  SubRefreshRequest request{channel, session.peer(), std::string(refresh.token)};
  const Target target = session.context().routes.channel(channel);
  session.ask(
      target, std::move(request),
      [id = command.id, channel = std::move(channel)](Session& asker, const SubRefreshResponse& answer) {
        if (asker.refuse(id, answer)) return;
        Subscription* found = asker.find_subscription(channel);
        if (found == nullptr || !found->client_refresh) return asker.fail(id, error_code::kPermissionDenied);
        const int64_t now_ms = asker.context().lane.clock().wall_ms();
        if (answer.expire_at_ms != 0 && answer.expire_at_ms <= now_ms)
          return asker.fail(id, error_code::kExpired);
        const uint32_t ttl = asker.set_expiry(*found, answer.expire_at_ms, false);
        found->client_refresh = true;  // also of one that has no end any more: it may get one again
        asker.answer_secret(
            [&](const protocol::Encoder& encoder, std::string& out) { encoder.sub_refresh(out, id, {ttl}); });
      });
}

}  // namespace lcg::gateway
