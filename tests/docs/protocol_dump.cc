// What the code of the client protocol writes and reads, for asyncapi_test.py.
//   protocol_dump          one JSON object: the tables of codes, and by the name of a message what the encoders write
//   protocol_dump read     for each line of the input, a command: what the reader saw, or "malformed"
//   protocol_dump connect  the same for the request of a unidirectional client
#include <iostream>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "broker/api/codes.h"
#include "gateway/protocol/codec.h"
#include "tests/fuzz/command_json.h"

namespace {

using namespace lcg;            // NOLINT: a program of one file
using namespace lcg::protocol;  // NOLINT

const StreamPosition kPosition{7, "xYz"};

ClientInfo info() { return {"42", "7c1f", SharedBytes("{}"), SharedBytes("[1]")}; }

PublicationPtr publication(uint64_t offset) {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = kPosition.epoch;
  pub->data = SharedBytes(R"({"t":1})");
  pub->info = info();
  pub->has_info = true;
  pub->tags = {{"city", "Oslo"}};
  pub->patch = SharedBytes("7\n1@0,6:2");
  return pub;
}
const std::vector<PublicationPtr> kPublications = {publication(1), publication(2)};

SubscribeReply subscribe_reply() {
  return {.position = kPosition,
          .publications = kPublications,
          .data = "1",
          .recoverable = true,
          .positioned = true,
          .recovered = true,
          .was_recovering = true,
          .delta = true,
          .ttl_seconds = 60,
          .id = 5};
}
const std::vector<ServerSubscription> kSubs = {{"news", subscribe_reply()}};

ConnectReply connect_reply() {
  return {.client = "7c1f",
          .version = "lcg",
          .data = "{}",
          .subs = kSubs,
          .ttl_seconds = 60,
          .ping_seconds = 25,
          .expects_pong = true,
          .session = "s",
          .node = "n",
          .time_ms = 1};
}

// Message name to everything that is written for it: with all there can be, and with nothing.
class Messages {
 public:
  explicit Messages(JsonWriter& json) : json_(json) {}
  template <class... Calls>
  void add(const char* name, const Calls&... calls) {
    json_.key(name).begin_array();
    (one(calls), ...);
    json_.end_array();
  }

 private:
  template <class Call>
  void one(const Call& call) {
    std::string out;
    call(out);
    json_.raw(out);
  }
  JsonWriter& json_;
};

void write_replies(Messages& messages, const Encoder& e) {
  const StreamPosition nowhere;
  messages.add(
      "errorReply", [&](std::string& out) { e.error(out, 1, make_error(error_code::kInternal)); },
      [&](std::string& out) {
        e.error(out, 1, {400, "", false});
      });
  messages.add(
      "connectReply", [&](std::string& out) { e.connect(out, 1, connect_reply()); },
      [&](std::string& out) { e.connect(out, 1, {}); });
  messages.add(
      "subscribeReply", [&](std::string& out) { e.subscribe(out, 1, subscribe_reply()); },
      [&](std::string& out) { e.subscribe(out, 1, {}); });
  messages.add("unsubscribeReply", [&](std::string& out) { e.unsubscribe(out, 1); });
  messages.add("publishReply", [&](std::string& out) { e.publish(out, 1); });
  const std::vector<ClientInfo> clients = {info()};
  messages.add(
      "presenceReply", [&](std::string& out) { e.presence(out, 1, clients); },
      [&](std::string& out) { e.presence(out, 1, {}); });
  messages.add(
      "presenceStatsReply", [&](std::string& out) { e.presence_stats(out, 1, 2, 1); },
      [&](std::string& out) { e.presence_stats(out, 1, 0, 0); });
  const HistoryReply full{kPublications, kPosition}, none{{}, nowhere};
  messages.add(
      "historyReply", [&](std::string& out) { e.history(out, 1, full); },
      [&](std::string& out) { e.history(out, 1, none); });
  messages.add(
      "rpcReply", [&](std::string& out) { e.rpc(out, 1, "{}"); },
      [&](std::string& out) { e.rpc(out, 1, ""); });
  messages.add(
      "refreshReply", [&](std::string& out) { e.refresh(out, 1, {60}); },
      [&](std::string& out) { e.refresh(out, 1, {}); });
  messages.add(
      "subRefreshReply", [&](std::string& out) { e.sub_refresh(out, 1, {60}); },
      [&](std::string& out) { e.sub_refresh(out, 1, {}); });
}

void write_pushes(Messages& messages, const Encoder& e) {
  const PushChannel named{"news"}, numbered{"news", 5};
  messages.add(
      "publicationPush",
      [&](std::string& out) { e.push_publication(out, named, *kPublications[0], DeltaForm::kNone); },
      [&](std::string& out) { e.push_publication(out, numbered, *kPublications[1], DeltaForm::kPatch); },
      [&](std::string& out) { e.push_publication(out, named, {}, DeltaForm::kNone); });
  messages.add(
      "joinPush", [&](std::string& out) { e.push_join(out, named, info()); },
      [&](std::string& out) { e.push_join(out, named, {}); });
  messages.add("leavePush", [&](std::string& out) { e.push_leave(out, numbered, info()); });
  messages.add("unsubscribePush", [&](std::string& out) {
    e.push_unsubscribe(out, named, unsubscribe_code::kServer, "server unsubscribe");
  });
  messages.add(
      "subscribePush", [&](std::string& out) { e.push_subscribe(out, "news", subscribe_reply()); },
      [&](std::string& out) { e.push_subscribe(out, "news", {}); });
  messages.add(
      "messagePush", [&](std::string& out) { e.push_message(out, "1"); },
      [&](std::string& out) { e.push_message(out, ""); });
  messages.add(
      "refreshPush", [&](std::string& out) { e.push_refresh(out, {60}); },
      [&](std::string& out) { e.push_refresh(out, {}); });
  messages.add("disconnectPush", [&](std::string& out) {
    e.push_disconnect(out, disconnect_code::kShutdown, disconnect_text(disconnect_code::kShutdown));
  });
  messages.add("ping", [&](std::string& out) { e.ping(out); });
}

void write_bare_pushes(Messages& messages, const Encoder& e) {
  messages.add(
      "uniPush", [&](std::string& out) { e.connect(out, 0, connect_reply()); },
      [&](std::string& out) { e.push_publication(out, {"news"}, *kPublications[0], DeltaForm::kNone); },
      [&](std::string& out) { e.push_join(out, {"news"}, info()); },
      [&](std::string& out) { e.push_leave(out, {"news"}, info()); },
      [&](std::string& out) { e.push_unsubscribe(out, {"news"}, unsubscribe_code::kServer, ""); },
      [&](std::string& out) { e.push_subscribe(out, "news", subscribe_reply()); },
      [&](std::string& out) { e.push_message(out, "1"); },
      [&](std::string& out) { e.push_refresh(out, {60}); },
      [&](std::string& out) { e.push_disconnect(out, disconnect_code::kShutdown, "shutdown"); });
}

std::string tables() {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("errors").begin_array();
  for (uint32_t code = 1; code < 3000; ++code) {
    const Error error = make_error(code);
    if (error.message.empty()) continue;
    json.begin_object().field("code", code).field("message", error.message);
    json.field("temporary", error.temporary).end_object();
  }
  json.end_array().key("disconnects").begin_array();
  for (uint32_t code = 3000; code < 5000; ++code) {
    if (disconnect_text(code).empty()) continue;
    json.begin_object().field("code", code).field("reason", disconnect_text(code)).end_object();
  }
  json.end_array().key("messages").begin_object();
  Messages messages(json);
  write_replies(messages, encoder_of({}));
  write_pushes(messages, encoder_of({}));
  write_bare_pushes(messages, encoder_of({.unidirectional = true}));
  json.end_object().end_object();
  return out;
}

void read_lines(bool requests) {
  const auto reader = make_reader(Encoding::kJson);
  std::string line;
  while (std::getline(std::cin, line)) {
    bool read = false;
    if (requests) {
      read = reader->open_connect(line);
    } else {
      reader->open(line);
      read = reader->next() == Next::kCommand;
    }
    std::cout << (read ? fuzz::to_json(reader->command()).value_or("no JSON") : "malformed") << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode.empty()) {
    std::cout << tables() << '\n';
  } else {
    read_lines(mode == "connect");
  }
  return 0;
}
