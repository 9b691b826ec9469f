#include "tests/integration/simulation/sim_client.h"

#include <algorithm>
#include <utility>

#include "lcg/json.hpp"

namespace lcg::sim {

namespace {

constexpr int64_t kRetryMs = 150;     // after a refusal that is temporary
constexpr int64_t kRepeatMs = 1'500;  // a message without an answer; at least

json::Object object(std::string_view text) {
  json::Object out;
  json::Object::parse(text, out);
  return out;
}

std::vector<std::string> elements(std::string_view array) {
  std::vector<std::string> out;
  json::detail::Cursor cursor(array);
  cursor.take('[');
  while (!cursor.take(']') && !cursor.at_end()) {
    const char* const begin = cursor.position();
    if (!cursor.value(0)) break;
    out.emplace_back(begin, cursor.position());
    cursor.take(',');
  }
  return out;
}

}  // namespace

void SimClient::complain(std::string what) {
  around_.history.protocol.push_back(plan_.user + "/" + plan_.device + ": " + std::move(what));
}

void SimClient::tick() {
  if (around_.node == nullptr) return lost(0);
  if (connection_ == nullptr) {
    if (around_.now_ms >= connect_at_ms_) connect();
    return;
  }
  if (around_.now_ms < stalled_until_ms_ && connection_->closed_code() == 0) return;
  for (const std::string& line : connection_->read()) {
    on_line(line);
    if (connection_ == nullptr) return;  // it left
  }
  if (const uint32_t code = connection_->closed_code(); code != 0) {
    if (code >= 3500 && code < 4000) complain("closed for good with " + std::to_string(code));
    return lost(static_cast<int64_t>(around_.below(300)));
  }
  if (!connected_ || around_.now_ms < retry_at_ms_) return;
  if (!plan_.create_with.empty() && !created_ && !creating_) {
    creating_ = true;
    rpc(Kind::kCreate, "dialog.create",
        json::Writer().text("id", plan_.dialog).texts("members", plan_.create_with).take());
  }
  if (!created_) return;
  if (!subscribed_ && !subscribing_) {
    std::string frame;
    subscribe(frame);
    connection_->write(frame);
  }
  repeat_due();
  begin_message();
  pull_if_behind();
}

void SimClient::lose_connection() {
  if (connection_ == nullptr) return;
  connection_->drop();
  lost(static_cast<int64_t>(around_.below(2) *
                            around_.below(400)));  // often at once: the server knows nothing yet
}

void SimClient::stall(int64_t until_ms) {
  if (connection_ == nullptr) return;
  stalled_until_ms_ = until_ms;
  connection_->stall();
}

void SimClient::lost(int64_t wait_ms) {
  connection_ = nullptr;
  commands_.clear();
  connected_ = subscribed_ = subscribing_ = pulling_ = creating_ = false;
  publish_id_ = 0;  // nobody will ever know
  connect_at_ms_ = around_.now_ms + wait_ms;
  retry_at_ms_ = stalled_until_ms_ = 0;
  for (auto& [cseq, message] : unanswered_) message.repeat_at_ms = 0;
}

void SimClient::connect() {
  connection_ = around_.node->connect(static_cast<unsigned>(around_.below(around_.node->lanes())));
  json::Writer data;
  data.text("device", plan_.device);
  if (epoch_ != 0) data.num("epoch", epoch_);
  std::string frame;
  command(Kind::kConnect, frame, "connect",
          json::Writer().text("token", plan_.user).raw("data", data.take()).take());
  // An SDK that comes back asks for everything at once.
  if (created_ && around_.below(2) == 0) subscribe(frame);
  connection_->write(frame);
}

// Mostly with recovery; without it, what was missed is pulled.
void SimClient::subscribe(std::string& frame) {
  subscribing_ = true;
  json::Writer body;
  body.text("channel", "dialog:" + plan_.dialog);
  if (!stream_epoch_.empty() && !around_.chance(30))
    body.boolean("recover", true).num("offset", cursor_).text("epoch", stream_epoch_);
  command(Kind::kSubscribe, frame, "subscribe", body.take());
}

uint32_t SimClient::command(Kind kind, std::string& frame, std::string_view name, std::string body,
                            uint64_t cseq) {
  commands_[++last_id_] = {kind, cseq};
  if (!frame.empty()) frame += '\n';
  frame += json::Writer().num("id", last_id_).raw(name, body).take();
  return last_id_;
}

void SimClient::rpc(Kind kind, std::string_view method, std::string data, uint64_t cseq) {
  std::string frame;
  command(kind, frame, "rpc", json::Writer().text("method", method).raw("data", data).take(), cseq);
  connection_->write(std::move(frame));
}

// ---- sending

void SimClient::begin_message() {
  if (next_ > plan_.messages || around_.now_ms < message_at_ms_ || unanswered_.size() >= plan_.window) return;
  if (publish_id_ != 0) return;
  const uint32_t number = next_++;
  message_at_ms_ = around_.now_ms + static_cast<int64_t>(around_.below(200));
  const std::string body = json::Writer()
                               .text("text", plan_.user + "/" + plan_.device + " " + std::to_string(number) +
                                                 std::string(150, '.'))
                               .take();
  if (plan_.numbered) {
    around_.history.sent.push_back({plan_.user, plan_.device, epoch_, number, body});
    send(number, unanswered_[number] = {body, 0});
    if (around_.chance(20)) send(number, unanswered_[number]);
    return;
  }
  publish_at_ = around_.history.published.size();
  around_.history.published.push_back({plan_.user, body, false});
  std::string frame;
  publish_id_ = command(Kind::kPublish, frame, "publish",
                        json::Writer().text("channel", "dialog:" + plan_.dialog).raw("data", body).take());
  connection_->write(std::move(frame));
}

void SimClient::send(uint64_t cseq, Unanswered& message) {
  message.repeat_at_ms = around_.now_ms + kRepeatMs + static_cast<int64_t>(around_.below(1000));
  json::Writer data;
  data.text("dialog", plan_.dialog).num("cseq", cseq).raw("body", message.body);
  if (plan_.window > 1) data.num("window", plan_.window);
  rpc(Kind::kSend, "message.send", data.take(), cseq);
}

void SimClient::repeat_due() {
  for (auto& [cseq, message] : unanswered_)
    if (around_.now_ms >= message.repeat_at_ms) send(cseq, message);
}

void SimClient::on_acknowledged(uint64_t cseq, std::string_view data) {
  json::Object answer = object(data);
  Ack ack;
  for (const Sent& sent : around_.history.sent)
    if (sent.user == plan_.user && sent.device == plan_.device && sent.cseq == cseq) ack.message = sent;
  ack.id = answer.text("id");
  ack.seq = answer.u64("seq").value_or(0);
  ack.useq = answer.u64("useq").value_or(0);
  ack.ts = answer.u64("ts").value_or(0);
  if (answer.u64("cseq") != cseq) complain("the answer to cseq " + std::to_string(cseq) + " is for another");
  around_.history.acks.push_back(std::move(ack));
  unanswered_.erase(cseq);
}

// ---- receiving

void SimClient::on_line(const std::string& line) {
  json::Object message;
  if (!json::Object::parse(line, message)) return complain("not JSON: " + line);
  if (const std::string push = message.raw("push"); !push.empty()) return on_push(push);
  const auto id = static_cast<uint32_t>(message.u64("id").value_or(0));
  if (id == 0) return connection_->write("{}");  // a ping
  on_reply(id, line);
}

void SimClient::on_push(std::string_view text) {
  json::Object push = object(text);
  if (const std::string pub = push.raw("pub");
      !pub.empty() && push.text("channel") == "dialog:" + plan_.dialog)
    return take(object(pub).raw("data"));
  if (const std::string left = push.raw("unsubscribe"); !left.empty()) {
    const uint64_t code = object(left).u64("code").value_or(0);
    if (code < 2500) complain("unsubscribed with " + std::to_string(code));
    subscribed_ = false;
  }
}

void SimClient::on_reply(uint32_t id, std::string_view line) {
  const auto found = commands_.find(id);
  if (found == commands_.end()) return complain("a second answer: " + std::string(line));
  const Command command = found->second;
  commands_.erase(found);
  json::Object reply = object(line);
  if (id == publish_id_) publish_id_ = 0;
  if (command.kind == Kind::kSubscribe) subscribing_ = false;
  if (command.kind == Kind::kPull) pulling_ = false;
  if (command.kind == Kind::kCreate) creating_ = false;
  if (const std::string error = reply.raw("error"); !error.empty()) return on_error(command, error);
  switch (command.kind) {
    case Kind::kConnect:
      return on_connected(object(reply.raw("connect")).raw("data"));
    case Kind::kSubscribe:
      return on_subscribed(reply.raw("subscribe"));
    case Kind::kCreate:
      created_ = true;
      return;
    case Kind::kPublish:
      around_.history.published[publish_at_].acknowledged = true;
      return;
    case Kind::kSend:
      return on_acknowledged(command.cseq, object(reply.raw("rpc")).raw("data"));
    case Kind::kPull:
      for (const std::string& entry : elements(object(object(reply.raw("rpc")).raw("data")).raw("entries")))
        take(entry);
      return;
  }
}

void SimClient::on_error(Command command, std::string_view text) {
  json::Object error = object(text);
  const uint64_t code = error.u64("code").value_or(0);
  const bool temporary = code == 100 || code == 111;
  retry_at_ms_ = around_.now_ms + kRetryMs;
  if (command.kind == Kind::kConnect) lose_connection();
  if (command.kind == Kind::kSend) {
    const auto message = unanswered_.find(command.cseq);
    if (message != unanswered_.end()) message->second.repeat_at_ms = retry_at_ms_;
    // The one before it is not there yet: 1001, 1004. It comes again in its turn.
    if (plan_.window > 1 && (code == 1001 || code == 1004)) return;
  }
  if (!temporary) complain("refused: " + std::string(text));
}

void SimClient::on_connected(std::string_view data) {
  const uint64_t epoch = object(data).u64("epoch").value_or(0);
  if (epoch == 0 || (epoch_ != 0 && epoch != epoch_))
    complain("epoch " + std::to_string(epoch_) + " became " + std::to_string(epoch));
  epoch_ = epoch;
  connected_ = true;
}

void SimClient::on_subscribed(std::string_view text) {
  json::Object answer = object(text);
  subscribed_ = true;
  const std::string epoch = answer.text("epoch");
  if (!stream_epoch_.empty() && epoch != stream_epoch_) complain("the stream's epoch changed to " + epoch);
  stream_epoch_ = epoch;
  for (const std::string& publication : elements(answer.raw("publications")))
    take(object(publication).raw("data"));
  head_ = std::max(head_, answer.u64("offset").value_or(0));
}

void SimClient::take(std::string_view text) {
  json::Object in = object(text);
  Entry e;
  e.seq = in.u64("seq").value_or(0);
  e.kind = in.text("kind");
  e.id = in.text("id");
  e.user = in.text("user");
  e.device = in.text("device");
  e.epoch = in.u64("epoch").value_or(0);
  e.cseq = in.u64("cseq").value_or(0);
  e.useq = in.u64("useq").value_or(0);
  e.uprev = in.u64("uprev").value_or(0);
  e.cprev = in.u64("cprev").value_or(0);
  e.ts = in.u64("ts").value_or(0);
  e.body = in.raw("body");
  head_ = std::max(head_, e.seq);
  const auto [known, is_new] = entries_.emplace(e.seq, e);
  if (!is_new && !(known->second == e)) complain("entry " + std::to_string(e.seq) + " changed");
  while (entries_.contains(cursor_ + 1)) ++cursor_;
  show();
}

// An entry is shown as soon as the one its uprev names is; so one sender's gap delays nobody else.
void SimClient::show() {
  for (bool more = true; more;) {
    more = false;
    for (const auto& [seq, entry] : entries_) {
      if (is_shown_.contains(seq) || (entry.uprev != 0 && !is_shown_.contains(entry.uprev))) continue;
      is_shown_.insert(seq);
      shown_.push_back(seq);
      more = true;
    }
  }
}

void SimClient::pull_if_behind() {
  if (!subscribed_ || pulling_ || cursor_ >= head_) return;
  pulling_ = true;
  rpc(Kind::kPull, "dialog.pull",
      json::Writer().text("dialog", plan_.dialog).num("from", cursor_ + 1).num("limit", 7).take());
}

// ---- at the end

Device SimClient::device() const {
  Device out{plan_.user + "/" + plan_.device, {}, shown_};
  for (const auto& [seq, entry] : entries_) out.entries.push_back(entry);
  return out;
}

std::string SimClient::describe() const {
  return plan_.user + "/" + plan_.device + ": next " + std::to_string(next_) + " of " +
         std::to_string(plan_.messages) + ", unanswered " + std::to_string(unanswered_.size()) + ", has " +
         std::to_string(cursor_) + " of " + std::to_string(head_) + (connected_ ? ", connected" : ", away") +
         (subscribed_ ? ", subscribed" : "");
}

}  // namespace lcg::sim
