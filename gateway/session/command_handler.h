// The handlers of commands, one file each, and the signature they share.
//
// Called with a session that may run the command (session_state.h) and is busy with it. A handler, or what it
// asked for, does exactly one of: Session::answer(), answer_secret(), fail(), refused(), close(). The command's views are
// valid until the handler asks the broker something.
#pragma once
#include "gateway/protocol/command.h"
#include "gateway/session/session.h"

namespace lcg::gateway {

using CommandHandler = void (*)(Session& session, const protocol::Command& command);

void handle_connect(Session& session, const protocol::Command& command);
void handle_subscribe(Session& session, const protocol::Command& command);
void handle_unsubscribe(Session& session, const protocol::Command& command);
void handle_publish(Session& session, const protocol::Command& command);
void handle_presence(Session& session, const protocol::Command& command);
void handle_presence_stats(Session& session, const protocol::Command& command);
void handle_history(Session& session, const protocol::Command& command);
void handle_rpc(Session& session, const protocol::Command& command);
void handle_refresh(Session& session, const protocol::Command& command);
void handle_sub_refresh(Session& session, const protocol::Command& command);

// What all commands that name a channel begin with: "" is 3501, too long is error 107. False: that was it.
bool check_channel(Session& session, uint32_t id, std::string_view channel);

// As the client is told; borrows from `answer`.
protocol::SubscribeReply subscribe_reply(const SubscribeResponse& answer);
// Nothing if the answer can be used, else the error the client gets instead: what it says contradicts itself
// (100) or has expired (110).
Error check_answer(const SubscribeResponse& answer, int64_t now_ms);

// What there is to recover is too much, or not for this encoding: it is told as not recovered.
inline void leave_out_publications(SubscribeResponse& answer) {
  answer.recovered = false;
  answer.position.offset = answer.publications.back()->offset;
  answer.publications.clear();
}

// What was asked for has publications that a JSON connection cannot be sent.
inline Error not_json() {
  return {error_code::kNotAvailable, "not available: not JSON, connect with Protobuf", false};
}

}  // namespace lcg::gateway
