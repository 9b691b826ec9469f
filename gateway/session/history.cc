// history. Source: client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_history(Session& session, const protocol::Command& command) {
  const protocol::HistoryCommand& history = command.history;
  if (!check_channel(session, command.id, history.channel)) return;
  // Backwards from before the first.
  if (history.reverse && history.has_since && history.offset == 0) {
    return session.fail(command.id, error_code::kBadRequest);
  }
  HistoryRequest request{.channel = std::string(history.channel),
                         .peer = session.peer(),
                         .has_since = history.has_since,
                         .reverse = history.reverse,
                         .since = {history.offset, std::string(history.epoch)},
                         .limit = history.limit};
  const Target target = session.context().routes.channel(request.channel);
  session.ask(target, std::move(request), [id = command.id](Session& asker, const HistoryResponse& answer) {
    if (asker.refuse(id, answer)) return;
    if (!asker.can_be_sent(answer.publications)) return asker.fail(id, not_json());
    asker.answer([&](const protocol::Encoder& encoder, std::string& out) {
      encoder.history(out, id, {answer.publications, answer.position});
    });
  });
}

}  // namespace lcg::gateway
