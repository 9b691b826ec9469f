// presence and presence_stats. Source: client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_presence(Session& session, const protocol::Command& command) {
  if (!check_channel(session, command.id, command.named.channel)) return;
  PresenceRequest request{std::string(command.named.channel), session.peer(), false};
  const Target target = session.context().routes.channel(request.channel);
  session.ask(target, std::move(request), [id = command.id](Session& asker, const PresenceResponse& answer) {
    if (asker.refuse(id, answer)) return;
    asker.answer([&](const protocol::Encoder& encoder, std::string& out) {
      encoder.presence(out, id, answer.clients);
    });
  });
}

void handle_presence_stats(Session& session, const protocol::Command& command) {
  if (!check_channel(session, command.id, command.named.channel)) return;
  PresenceRequest request{std::string(command.named.channel), session.peer(), true};
  const Target target = session.context().routes.channel(request.channel);
  session.ask(target, std::move(request), [id = command.id](Session& asker, const PresenceResponse& answer) {
    if (asker.refuse(id, answer)) return;
    asker.answer([&](const protocol::Encoder& encoder, std::string& out) {
      encoder.presence_stats(out, id, answer.num_clients, answer.num_users);
    });
  });
}

}  // namespace lcg::gateway
