// publish. The publisher gets its own publication as everybody does, before or after the reply. Source:
// client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_publish(Session& session, const protocol::Command& command) {
  const protocol::PublishCommand& publish = command.publish;
  if (!check_channel(session, command.id, publish.channel)) return;
  if (publish.type != 0) return session.fail(command.id, error_code::kNotAvailable);
  // No JSON value is empty; whether bytes may be is the namespace's to say.
  if (publish.data.empty() && session.variant().encoding == Encoding::kJson)
    return session.fail(command.id, error_code::kBadRequest);

  PublishRequest request{std::string(publish.channel), session.peer(), session.payload(publish.data),
                         session.variant().encoding == Encoding::kJson};
  const Target target = session.context().routes.channel(request.channel);
  session.ask(target, std::move(request), [id = command.id](Session& asker, const PublishResponse& answer) {
    if (asker.refuse(id, answer)) return;
    asker.answer([id](const protocol::Encoder& encoder, std::string& out) { encoder.publish(out, id); });
  });
}

}  // namespace lcg::gateway
