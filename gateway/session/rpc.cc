// rpc: any plugin that knows the method. Source: client-protocol 1.9.
#include "gateway/session/command_handler.h"

namespace lcg::gateway {

void handle_rpc(Session& session, const protocol::Command& command) {
  if (command.rpc.method.size() > protocol::kMaxMethodBytes) {
    return session.fail(command.id, error_code::kBadRequest);
  }
  RpcRequest request{std::string(command.rpc.method), session.peer(), session.payload(command.rpc.data)};
  session.ask(Target::any(), std::move(request),
              [id = command.id](Session& asker, const RpcResponse& answer) {
                if (asker.refuse(id, answer)) return;
                asker.answer([&](const protocol::Encoder& encoder, std::string& out) {
                  encoder.rpc(out, id, answer.data.view());
                });
              });
}

}  // namespace lcg::gateway
