// unsubscribe: idempotent. Nothing of the channel is pushed once the command has been read. Source:
// client-protocol 1.8.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

bool check_channel(Session& session, uint32_t id, std::string_view channel) {
  if (channel.empty()) {
    session.close(disconnect_code::kBadRequest);
    return false;
  }
  if (channel.size() > session.context().options.channel_max_length) {
    session.fail(id, error_code::kBadRequest);
    return false;
  }
  return true;
}

void handle_unsubscribe(Session& session, const protocol::Command& command) {
  if (!check_channel(session, command.id, command.named.channel)) return;
  Subscription* subscription = session.find_subscription(command.named.channel);
  const auto reply = [id = command.id](const protocol::Encoder& encoder, std::string& out) {
    encoder.unsubscribe(out, id);
  };
  if (subscription == nullptr) return session.answer(reply);

  UnsubscribeRequest request{subscription->channel->name, session.peer()};
  session.remove_subscription(*subscription, false);
  const Target target = session.context().routes.channel(request.channel);
  session.ask(target, std::move(request),
              [id = command.id, reply](Session& asker, const UnsubscribeResponse& answer) {
                if (!asker.refuse(id, answer)) asker.answer(reply);
              });
}

}  // namespace lcg::gateway
