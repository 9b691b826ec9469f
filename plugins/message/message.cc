// SPDX-License-Identifier: Apache-2.0
// The message plugin: rpc methods message.* for clients, service "message" for other plugins.
//
// One instance a lane. A request may arrive on any lane; it goes on to the owner of the dialog's slot by a
// call of our own service, where the work is done. See README.md for the parts.
#include "lcg/services/message.hpp"
#include "lcg/json.hpp"
#include "lcg/plugin.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/slot_gate.hpp"
#include "rpc.h"
#include "sender.h"
#include "settler.h"
#include "slots.h"

namespace lcg::message {

namespace {

constexpr size_t kMaxBodies = 200;  // of one call

SettlerLimits limits_from(const Host& host) {
  SettlerLimits limits;
  limits.try_time = host.config_duration("try_time", limits.try_time, std::chrono::milliseconds(100));
  limits.resolve_every =
      host.config_duration("resolve_every", limits.resolve_every, std::chrono::milliseconds(10));
  return limits;
}

ErasureLimits erasure_limits_from(const Host& host) {
  ErasureLimits limits;
  limits.files_every = host.config_duration("erase_files_every", limits.files_every,
                                            std::chrono::milliseconds(100), std::chrono::hours(24 * 30));
  return limits;
}

Reply denied() { return Reply::error(LCG_E_DENIED, "permission denied", chat::code::kDenied); }
Reply invalid() { return Reply::error(LCG_E_INVALID, "malformed call"); }

}  // namespace

class MessagePlugin {
 public:
  explicit MessagePlugin(Host host)
      : host_(storage::required(host)),
        store_(host),
        dialogs_(host),
        self_(host),
        settler_(host, limits_from(host), [this](const chat::Key& key) { return sender_.in_flight(key); }),
        slots_(host, [this](uint32_t slot) { return read(slot); }),
        erasure_(host, erasure_limits_from(host), settler_),
        sender_(host, ids_, slots_, settler_, erasure_) {}

  Task<Reply> start() {
    settler_.start();
    erasure_.start();
    co_return Reply();
  }

  void on_stopping() { settler_.stop_waiting(); }
  Task<> stop() { return settler_.flush(); }

  void on_slot(uint32_t slot, uint64_t, bool owned) {
    settler_.lost(slot);
    erasure_.lost(slot);
    ids_.forget(slot);
    if (owned) {
      slots_.gained(slot);
    } else {
      slots_.lost(slot);
    }
  }

  Task<Reply> on_rpc(Request request) {
    Reply refusal;
    std::optional<ClientCall> parsed = parse_rpc(request, &refusal);
    if (!parsed) co_return Reply::defer();
    if (!refusal.ok()) co_return refusal;
    ClientCall call = *std::move(parsed);
    switch (call.method) {
      case ClientCall::Method::kGet:
        co_return co_await client_get(call.id, request.user_id);
      case ClientCall::Method::kVoid:
        co_return co_await client_void(std::move(call.send.key));
      case ClientCall::Method::kDevice:
        co_return Reply::with(device_json(call.send));
      case ClientCall::Method::kSend:
        break;
    }
    std::string dialog = call.send.key.dialog;
    if (!valid_slot(call.send)) co_return denied();
    Reply reply = co_await self_.send(std::move(call.send));
    chat::Position position;
    if (reply.ok() && dialog::decode(reply.data, position)) reply.data = position_json(position, dialog);
    co_return reply;
  }

  Task<Reply> on_call(ServiceCall call) {
    if (call.method == "send") co_return co_await serve_send(std::move(call));
    wire::Reader r(call.data);
    if (call.method == "get") {
      const uint64_t id = r.u64();
      std::string user(r.str());
      if (!r.ok()) co_return invalid();
      co_return co_await get(id, std::move(user));
    }
    if (call.method == "void") {
      chat::Key key;
      chat::get(r, key);
      if (!r.ok()) co_return invalid();
      co_return co_await sender_.give_up(std::move(key));
    }
    if (call.method == "bodies") {
      std::vector<uint64_t> ids(r.count());
      for (uint64_t& id : ids) id = r.u64();
      if (!r.ok() || ids.size() > kMaxBodies) co_return invalid();
      co_return co_await bodies(std::move(ids));
    }
    if (call.method == "explain") {
      const uint64_t id = r.u64();
      if (!r.ok()) co_return invalid();
      co_return co_await explain(id);
    }
    co_return Reply::error(LCG_E_UNSUPPORTED, "message: no method " + call.method);
  }

 private:
  Task<lcg_status> read(uint32_t slot) {
    return read_slot(
        host_, slot, &ids_, [this](uint64_t id) { settler_.resolve_later(id); },
        [this](uint64_t id) { erasure_.found(id); });
  }
  bool valid_slot(const SendRequest& q) const {
    return q.kind == chat::Kind::kMessage || slot_of_id(q.target) < host_.slot_count();
  }

  Task<Reply> serve_send(ServiceCall call) {
    SendRequest request;
    if (!decode(call.data, request)) co_return invalid();
    if (request.body.size() > chat::kMaxBodyBytes)
      co_return Reply::error(LCG_E_INVALID, "max_bytes:" + std::to_string(chat::kMaxBodyBytes),
                             chat::code::kTooLarge);
    co_return co_await sender_.send(std::move(request));
  }

  Task<Reply> client_get(uint64_t id, std::string user) {
    if (slot_of_id(id) >= host_.slot_count()) co_return denied();
    co_return co_await self_.get(id, std::move(user));
  }

  Task<Reply> client_void(chat::Key key) {
    wire::Writer w;
    chat::put(w, key);
    Reply reply = co_await host_.call({"message", "void", key.dialog, w.take()});
    dialog::Resolution resolution;
    if (!reply.ok() || !dialog::decode(reply.data, resolution)) co_return reply;
    if (resolution.state != dialog::Resolution::State::kCommitted) co_return Reply::with("{\"void\":true}");
    std::string committed = position_json(resolution.position, key.dialog);
    co_return Reply::with(json::Writer().boolean("void", false).raw("message", committed).take());
  }

  // A record with its final status, whether that is written already or not.
  Task<Outcome<Record>> settled(uint64_t id) {
    Outcome<Record> found = co_await settler_.load(id);
    if (!found.ok() || found.value.status != Status::kTrying) co_return found;
    Reply reply = co_await dialogs_.resolve(found.value.key, id);
    dialog::Resolution resolution;
    if (reply.ok() && dialog::decode(reply.data, resolution) &&
        resolution.state == dialog::Resolution::State::kCommitted) {
      found.value.status = Status::kConfirmed;
      found.value.position = resolution.position;
    }
    co_return found;
  }

  Task<Reply> get(uint64_t id, std::string user) {
    Outcome<Record> found = co_await settled(id);
    if (found.status == LCG_E_NOT_FOUND) co_return denied();
    if (!found.ok()) co_return Reply::error(found.status, found.message);
    const Record record = std::move(found.value);
    if (record.status != Status::kConfirmed) co_return denied();
    Reply allowed = co_await dialogs_.access(record.key.dialog, std::move(user), record.position.dseq);
    if (!allowed.ok()) co_return allowed;
    std::string body = record.body;
    if (!record.inline_body()) {
      Reply stored = co_await store_.get(partition_of_slot(slot_of_id(id)), kBodies, storage::key_u64(id));
      if (!stored.ok()) co_return Reply::error(LCG_E_UNAVAILABLE, "the body could not be read");
      body = std::move(stored.data);
    }
    co_return Reply::with(to_json(record, body));
  }

  Task<Reply> bodies(std::vector<uint64_t> ids) {
    wire::Writer w;
    for (const uint64_t id : ids) {
      Reply stored = co_await store_.get(partition_of_slot(slot_of_id(id)), kBodies, storage::key_u64(id));
      if (!stored.ok() && stored.status != LCG_E_NOT_FOUND)
        co_return Reply::error(stored.status, stored.message);
      w.str(stored.data);
    }
    co_return Reply::with(w.take());
  }

  Task<Reply> explain(uint64_t id) {
    Outcome<Record> found = co_await settler_.load(id);
    if (!found.ok()) co_return Reply::error(found.status, found.message);
    Record record = std::move(found.value);
    Reply entry = co_await dialogs_.explain(record.key, id);
    const bool written = !settler_.find(id).has_value();
    record.body.clear();
    json::Writer w;
    w.raw("record", to_json(record, "null")).num("attempt", record.attempt).num("bytes", record.body_bytes);
    w.boolean("status_written", written).num("slot", slot_of_id(id)).id("id", id);
    w.num("id_ms", static_cast<uint64_t>(ms_of_id(id)));
    w.raw("entry", entry.ok() && !entry.data.empty() ? entry.data : "null");
    if (!entry.ok()) w.text("entry_error", entry.message);
    co_return Reply::with(w.take());
  }

  Host host_;
  storage::Client store_;
  dialog::Client dialogs_;
  Client self_;
  IdAllocator ids_;
  Settler settler_;
  SlotGate slots_;
  Erasure erasure_;
  Sender sender_;
};

}  // namespace lcg::message

LCG_PLUGIN_PROVIDES(lcg::message::MessagePlugin, "message", "1.0.0", "Apache-2.0", "message")
