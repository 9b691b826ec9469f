// SPDX-License-Identifier: Apache-2.0
#include "plugins/dialog/testing/chat_rig.h"

#include <set>
#include <sstream>

#include "lcg/services/storage_wire.hpp"
#include "plugins/dialog/state.h"
#include "plugins/message/record.h"

LCG_DECLARE_PLUGIN(message);
LCG_DECLARE_PLUGIN(dialog);

namespace lcg::dialog::testing {

std::string field(const Reply& reply, std::string_view name) {
  json::Object object;
  if (!json::Object::parse(reply.data, object)) return "not JSON: " + reply.data;
  return object.raw(name);
}

uint64_t number(const Reply& reply, std::string_view name) {
  json::Object object;
  if (!json::Object::parse(reply.data, object)) return 0;
  return object.u64(name).value_or(0);
}

std::vector<std::string> items(std::string_view array) {
  std::vector<std::string> out;
  json::detail::Cursor cursor(array);
  cursor.take('[');
  while (!cursor.take(']') && !cursor.at_end()) {
    const char* const start = cursor.position();
    if (!cursor.value(0)) break;
    out.emplace_back(start, cursor.position());
    cursor.take(',');
  }
  return out;
}

ChatRig::ChatRig(lcg::testing::Options options, lcg::testing::Config dialog_config,
                 lcg::testing::Config message_config, uint32_t instances)
    : host_(options) {
  // Tests of other things make and fill dialogs as fast as they like.
  for (const char* key : {"create_burst", "add_burst"}) dialog_config.try_emplace(key, "1000000");
  host_.load(lcg_plugin_descriptor_message(), std::move(message_config), instances);
  host_.load(lcg_plugin_descriptor_dialog(), std::move(dialog_config), instances);
}

Reply ChatRig::ask(const Peer& who, std::string method, std::string json) {
  return host_.ask(rpc(std::move(method), std::move(json), who));
}

lcg::testing::Pending ChatRig::start(const Peer& who, std::string method, std::string json) {
  const std::string plugin = method.substr(0, method.find('.'));
  return host_.send(plugin, rpc(std::move(method), std::move(json), who));
}

void ChatRig::group(const std::string& dialog, const std::vector<std::string>& users) {
  const Reply reply = ask(peer(users.front()), "dialog.create",
                          json::Writer().text("id", dialog).texts("members", users).take());
  ASSERT_TRUE(reply.ok()) << reply.message;
}

namespace {
std::string send_json(const std::string& dialog, uint64_t cseq, const std::string& body) {
  return json::Writer().text("dialog", dialog).num("cseq", cseq).raw("body", body).take();
}
}  // namespace

Reply ChatRig::send(const Peer& who, const std::string& dialog, uint64_t cseq, std::string body) {
  Reply reply = ask(who, "message.send", send_json(dialog, cseq, body));
  remember(who, dialog, reply);
  return reply;
}

lcg::testing::Pending ChatRig::start_send(const Peer& who, const std::string& dialog, uint64_t cseq,
                                          std::string body) {
  return start(who, "message.send", send_json(dialog, cseq, body));
}

void ChatRig::remember(const Peer& who, const std::string& dialog, const Reply& reply) {
  if (!reply.ok()) return;
  Ack ack;
  ack.position = {number(reply, "id"), number(reply, "seq"), number(reply, "useq"), number(reply, "cseq"),
                  static_cast<int64_t>(number(reply, "ts"))};
  ack.key = {who.user_id, who.device_id, who.device_epoch, dialog, ack.position.cseq};
  acks_.push_back(std::move(ack));
}

channel::Peer ChatRig::wire_peer(const Peer& who) {
  return {who.session_id, who.user_id, who.device_id, who.device_epoch,
          (who.flags & LCG_PEER_EPHEMERAL_DEVICE) != 0};
}

namespace {
Outcome<channel::StreamPage> page_of(const Reply& reply) {
  Outcome<channel::StreamPage> out{reply.status, reply.message, {}};
  if (reply.ok() && !channel::decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
  return out;
}
}  // namespace

Outcome<channel::StreamPage> ChatRig::subscribe(const Peer& who, const std::string& dialog) {
  channel::SubscribeRequest q;
  q.channel = "dialog:" + dialog;
  q.peer = wire_peer(who);
  return page_of(host_.call({"channel:dialog", "subscribe", dialog, channel::encode(q)}));
}

Outcome<channel::StreamPage> ChatRig::recover(const Peer& who, const std::string& dialog, uint64_t since,
                                              uint32_t limit) {
  channel::SubscribeRequest q;
  q.channel = "dialog:" + dialog;
  q.peer = wire_peer(who);
  q.recover = true;
  q.offset = since;
  q.limit = limit;
  return page_of(host_.call({"channel:dialog", "subscribe", dialog, channel::encode(q)}));
}

Outcome<channel::StreamPage> ChatRig::history(const Peer& who, const std::string& dialog,
                                              channel::HistoryRequest request) {
  request.channel = "dialog:" + dialog;
  request.peer = wire_peer(who);
  return page_of(host_.call({"channel:dialog", "history", dialog, channel::encode(request)}));
}

Reply ChatRig::publish(const Peer& who, const std::string& dialog, std::string data) {
  channel::PublishRequest q{"dialog:" + dialog, wire_peer(who), std::move(data)};
  return host_.call({"channel:dialog", "publish", dialog, channel::encode(q)});
}

std::vector<Entry> ChatRig::log(const std::string& dialog) {
  std::vector<Entry> out;
  for (const storage::Row& row : host_.storage().rows(dialog, kLogDocs)) {
    Entry entry;
    EXPECT_TRUE(decode(row.value, entry));
    EXPECT_EQ(entry.dseq, storage::u64_of_key(row.key));
    out.push_back(std::move(entry));
  }
  return out;
}

std::vector<std::string> ChatRig::pull(const Peer& who, const std::string& dialog) {
  std::vector<std::string> out;
  uint64_t from = 1;
  for (;;) {
    const Reply page = ask(who, "dialog.history",
                           json::Writer().text("dialog", dialog).num("from", from).num("limit", 200).take());
    if (page.error_code == chat::code::kTooManyRequests) {
      host_.advance(1000);
      continue;
    }
    EXPECT_TRUE(page.ok()) << page.message;
    if (!page.ok()) return out;
    for (std::string& item : items(field(page, "entries"))) {
      json::Object entry;
      EXPECT_TRUE(json::Object::parse(item, entry));
      from = entry.u64("seq").value_or(0) + 1;
      out.push_back(std::move(item));
    }
    if (field(page, "more") != "true") return out;
  }
}

std::vector<Publication> ChatRig::published(const std::string& channel) const {
  std::vector<Publication> out;
  for (const Publication& p : host_.publications())
    if (p.channel == channel) out.push_back(p);
  return out;
}

std::string ChatRig::violations() {
  std::ostringstream bad;
  std::map<uint64_t, std::pair<std::string, Entry>> visible;  // by message id
  std::set<std::string> keys;
  lcg::testing::FakeStorage& store = host_.storage();
  for (const std::string& dialog : store.partitions(kLogDocs)) {
    uint64_t dseq = 0;
    int64_t ts = 0;
    std::map<std::string, Entry> last_of_user, last_of_device;
    for (const Entry& e : log(dialog)) {
      const std::string at = dialog + "@" + std::to_string(e.dseq) + ": ";
      if (e.dseq != ++dseq) bad << at << "dseq is not dense\n";
      if (e.ts_ms < ts) bad << at << "time went back\n";
      ts = e.ts_ms;
      if (e.kind > chat::Kind::kReact) continue;
      if (!visible.emplace(e.id, std::make_pair(dialog, e)).second)
        bad << at << "I5: message appears twice\n";
      const Entry user_before = last_of_user[e.user];
      const Entry device_before = last_of_device[lane_key(e.user, e.device)];
      if (e.useq != user_before.useq + 1) bad << at << "I4: useq is not dense\n";
      if (e.uprev != user_before.dseq) bad << at << "I4: uprev\n";
      if (e.cprev != device_before.dseq) bad << at << "I1: cprev\n";
      if (e.epoch < device_before.epoch) bad << at << "I1: epoch went back\n";
      if (e.epoch == device_before.epoch && e.cseq <= device_before.cseq) bad << at << "I1: cseq order\n";
      const std::string key = message::storage_key({e.user, e.device, e.epoch, dialog, e.cseq});
      if (!keys.insert(key).second) bad << at << "I5: key appears twice\n";
      last_of_user[e.user] = last_of_device[lane_key(e.user, e.device)] = e;
    }
  }
  std::set<uint64_t> confirmed;
  for (const std::string& slot : store.partitions(message::kRecords)) {
    for (const storage::Row& row : store.rows(slot, message::kRecords)) {
      message::Record r;
      if (!message::decode(row.value, r)) bad << "record is damaged\n";
      const auto entry = visible.find(r.id);
      const std::string what = "message " + std::to_string(r.id) + ": ";
      if (r.status == message::Status::kTrying) bad << what << "I2: still trying\n";
      if (r.status == message::Status::kCancelled && entry != visible.end())
        bad << what << "I2: cancelled but visible\n";
      if (r.status != message::Status::kConfirmed) continue;
      confirmed.insert(r.id);
      if (entry == visible.end()) {
        bad << what << "I2: confirmed but not visible\n";
      } else if (entry->second.second.dseq != r.position.dseq ||
                 entry->second.second.useq != r.position.useq) {
        bad << what << "I2: confirmed elsewhere\n";
      }
    }
    if (!store.rows(slot, message::kTryingIndex).empty()) bad << slot << ": list of trying is not empty\n";
  }
  for (const auto& [id, entry] : visible)
    if (!confirmed.contains(id)) bad << "message " << id << ": I2: visible but not confirmed\n";
  for (const Ack& ack : acks_) {
    const auto entry = visible.find(ack.position.id);
    const std::string what =
        "acknowledged cseq " + std::to_string(ack.key.cseq) + " of " + ack.key.user + ": ";
    if (entry == visible.end()) {
      bad << what << "I3: lost\n";
      continue;
    }
    const Entry& e = entry->second.second;
    if (entry->second.first != ack.key.dialog || e.dseq != ack.position.dseq || e.useq != ack.position.useq ||
        e.cseq != ack.position.cseq || e.ts_ms != ack.position.ts_ms || e.user != ack.key.user)
      bad << what << "I3: told another position\n";
  }
  return bad.str();
}

}  // namespace lcg::dialog::testing
