#include "tests/integration/recovery_model/wire_client.h"

#include "base/json_reader.h"
#include "base/json_writer.h"

namespace lcg::recovery_model {
namespace {

// The text of a member; "" when there is none.
std::string_view member(std::string_view object, std::string_view name) {
  JsonReader reader(object);
  std::string_view key, value;
  reader.enter_object();
  while (reader.next_member(key))
    if (key == name && reader.read_raw(value)) return value;
  return {};
}

uint64_t number(std::string_view object, std::string_view name) {
  uint64_t out = 0;
  const std::string_view text = member(object, name);
  if (!text.empty()) JsonReader(text).read(out);
  return out;
}

std::string text(std::string_view value) {
  std::string out;
  if (!value.empty()) JsonReader(value).read(out, 1u << 20);
  return out;
}

bool flag(std::string_view object, std::string_view name) { return member(object, name) == "true"; }

}  // namespace

WireClient::WireClient(Plan plan, SimRandom& random, WireMutation mutation)
    : plan_(std::move(plan)),
      random_(random),
      mutation_(mutation),
      follower_(plan_.user, plan_.tag, plan_.cache_mode) {}

bool WireClient::once(WireMutation mutation) {
  if (mutation_ != mutation || mutated_ || random_.next() % 8 != 0) return false;
  return mutated_ = true;
}

void WireClient::reset() {
  connection_ = nullptr;
  next_id_ = 1;
  subscribe_id_ = 0;
  subscribed_ = false;
}

void WireClient::drop() {
  if (connection_ != nullptr) connection_->drop();
  reset();
}

void WireClient::server_died() {
  if (connection_ != nullptr) connection_->server_died();
  reset();
}

void WireClient::connect(std::shared_ptr<sim::SimConnection> connection) {
  connection_ = std::move(connection);
  std::string frame;
  JsonWriter writer(frame);
  writer.begin_object().field("id", next_id_++).key("connect").begin_object();
  writer.field("token", plan_.user).end_object().end_object();
  connection_->write(std::move(frame));
  subscribe();
}

void WireClient::subscribe() {
  std::string frame;
  JsonWriter writer(frame);
  subscribe_id_ = next_id_++;
  subscribed_ = false;
  asked_ = plan_.positioned && follower_.position().has_value() && random_.next() % 10 != 0;
  writer.begin_object().field("id", subscribe_id_).key("subscribe").begin_object();
  writer.field("channel", plan_.channel).field("flag", 1);
  if (plan_.positioned) writer.field("recoverable", true).field("positioned", true);
  if (plan_.delta) writer.field("delta", "fossil");
  if (!plan_.tag.empty()) {
    writer.key("tf").begin_object().field("key", "t").field("cmp", "eq").field("val", plan_.tag).end_object();
  }
  if (asked_) {
    writer.field("recover", true).field("offset", follower_.position()->offset);
    writer.field("epoch", follower_.position()->epoch);
  }
  writer.end_object().end_object();
  connection_->write(std::move(frame));
}

void WireClient::subscribe_again() {
  if (connection_ == nullptr || !subscribed_) return;
  std::string frame;
  JsonWriter writer(frame);
  writer.begin_object().field("id", next_id_++).key("unsubscribe").begin_object();
  writer.field("channel", plan_.channel).end_object().end_object();
  connection_->write(std::move(frame));
  subscribe();
}

void WireClient::tick() {
  if (connection_ == nullptr) return;
  const std::shared_ptr<sim::SimConnection> connection = connection_;
  for (const std::string& line : connection->read()) on_line(line);
  const uint32_t code = connection->closed_code();
  if (code == 0) return;
  if (code >= 3500 && code < 4000) follower_.complain("closed for good with " + std::to_string(code));
  reset();
}

void WireClient::on_line(std::string_view line) {
  if (line == "{}") return connection_->write("{}");
  if (const std::string_view push = member(line, "push"); !push.empty()) return on_push(push);
  const bool of_subscribe = number(line, "id") == subscribe_id_;
  if (const std::string_view error = member(line, "error"); !error.empty()) {
    const bool again = flag(error, "temporary");
    if (!again) follower_.complain("refused: " + std::string(line));
    if (of_subscribe && again) subscribe();
    return;
  }
  if (of_subscribe) on_subscribed(member(line, "subscribe"));
}

void WireClient::on_push(std::string_view push) {
  if (const std::string_view pub = member(push, "pub"); !pub.empty()) {
    // One that was on its way when the client unsubscribed is dropped, as an SDK does.
    if (subscribed_) on_publication(pub);
    return;
  }
  const std::string_view unsubscribe = member(push, "unsubscribe");
  if (unsubscribe.empty() || !subscribed_) return;
  if (number(unsubscribe, "code") < 2500)
    follower_.complain("unsubscribed for good: " + std::string(push));
  else
    subscribe();
}

std::optional<Sent> WireClient::sent_of(std::string_view publication) {
  Sent out;
  out.offset = number(publication, "offset");
  const std::string_view data = member(publication, "data");
  out.patch = flag(publication, "delta");
  if (delta_ && (data.empty() || data.front() != '"')) {
    follower_.complain("no text where deltas were agreed on: " + std::string(data));
    return std::nullopt;
  }
  out.data = delta_ ? text(data) : std::string(data);
  return out;
}

void WireClient::on_publication(std::string_view publication) {
  const std::optional<Sent> sent = sent_of(publication);
  if (!sent || once(WireMutation::kDrops)) return;
  follower_.take(*sent);
  if (once(WireMutation::kRepeats)) follower_.take(*sent);
}

void WireClient::on_subscribed(std::string_view result) {
  subscribed_ = true;
  Answer answer;
  answer.recoverable = flag(result, "recoverable");
  answer.recovered = flag(result, "recovered");
  answer.was_recovering = flag(result, "was_recovering");
  answer.delta = delta_ = flag(result, "delta");
  answer.position = {number(result, "offset"), text(member(result, "epoch"))};
  if (const std::string_view list = member(result, "publications"); !list.empty()) {
    JsonReader reader(list);
    std::string_view one;
    reader.enter_array();
    while (reader.next_element() && reader.read_raw(one))
      if (const auto sent = sent_of(one)) answer.publications.push_back(*sent);
  }
  if (asked_ && !answer.recovered && plan_.recoverable > 0) {
    const StreamPosition& from = *follower_.position();
    const uint64_t missed = answer.position.offset - from.offset;
    if (answer.position.epoch == from.epoch && answer.position.offset >= from.offset &&
        missed <= plan_.recoverable)
      follower_.complain("not recovered although it missed " + std::to_string(missed) + " alone");
  }
  ++(asked_ && answer.recovered ? recovered_ : lost_);
  follower_.subscribed(asked_ ? follower_.position() : std::nullopt, answer);
}

}  // namespace lcg::recovery_model
