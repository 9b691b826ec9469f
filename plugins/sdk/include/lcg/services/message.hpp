// SPDX-License-Identifier: Apache-2.0
// message.hpp: typed client of the service "message": one message's life, and the send that puts it into a
// dialog.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/chat.hpp"
#include "lcg/services/message_id.hpp"

namespace lcg::message {

struct SendRequest {
  chat::Key key;  // dialog may be empty for edit, recall and react: it is the target's
  bool numbered = true;
  bool ephemeral = false;
  uint32_t window = 1;
  uint64_t useq_expect = 0;
  chat::Kind kind = chat::Kind::kMessage;
  std::string type = "text";
  std::string body;  // a JSON value, at most chat::kMaxBodyBytes
  std::string session;
  uint64_t target = 0;  // edit, recall, react: a message id
};

inline std::string encode(const SendRequest& q) {
  wire::Writer w;
  chat::put(w, q.key);
  w.boolean(q.numbered)
      .boolean(q.ephemeral)
      .u64(q.window)
      .u64(q.useq_expect)
      .u64(static_cast<uint64_t>(q.kind));
  return w.str(q.type).str(q.body).str(q.session).u64(q.target).take();
}
inline bool decode(std::string_view data, SendRequest& q) {
  wire::Reader r(data);
  chat::get(r, q.key);
  q.numbered = r.boolean();
  q.ephemeral = r.boolean();
  q.window = static_cast<uint32_t>(r.u64());
  q.useq_expect = r.u64();
  const uint64_t kind = r.u64();
  q.kind = static_cast<chat::Kind>(kind);
  q.type = r.str();
  q.body = r.str();
  q.session = r.str();
  q.target = r.u64();
  return r.ok() && kind <= static_cast<uint64_t>(chat::Kind::kReact);
}

// Lane: the instance's. A message id that does not exist and one the user may not read give the same answer.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // data is a chat::Position; it is durable. A retry with the same key gets the first answer, for ever.
  // Refusals: codes 103, 107, 1001..1016. LCG_E_BUSY, TIMEOUT, UNAVAILABLE: send the same key again later.
  Task<Reply> send(SendRequest request) const {
    std::string key =
        request.key.dialog.empty() ? partition_of_slot(slot_of_id(request.target)) : request.key.dialog;
    co_return co_await host_.call({"message", "send", std::move(key), encode(request)});
  }
  // data is the message as JSON, for a user who may read its position.
  Task<Reply> get(uint64_t id, std::string user) const {
    std::string data = wire::Writer().u64(id).str(user).take();
    co_return co_await host_.call({"message", "get", partition_of_slot(slot_of_id(id)), std::move(data)});
  }
  // The bodies of messages of one slot, unchecked: for the dialog plugin, which has checked. One str each,
  // empty when there is none.
  Task<Reply> bodies(uint32_t slot, std::vector<uint64_t> ids) const {
    wire::Writer w;
    w.u64(ids.size());
    for (const uint64_t id : ids) w.u64(id);
    co_return co_await host_.call({"message", "bodies", partition_of_slot(slot), w.take()});
  }
  // For the operator: the life of one message as JSON, bodies left out.
  Task<Reply> explain(uint64_t id) const {
    std::string data = wire::Writer().u64(id).take();
    co_return co_await host_.call({"message", "explain", partition_of_slot(slot_of_id(id)), std::move(data)});
  }

 private:
  Host host_;
};

}  // namespace lcg::message
