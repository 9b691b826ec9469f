// The JSON encoding of the client protocol: newline-delimited commands in, newline-delimited replies out.
//
// Strict where the protocol is (client-protocol 1.2, 1.3): one JSON object a line, one newline between two
// and perhaps one at the end, no blank line, integers as JSON integers in range, the right type for every
// known key. Lenient where it says so: unknown keys are ignored, null is absent, of several requests in one
// command the first in the order of Method counts. Reading allocates nothing but what the lists of a connect and
// the nodes of a tag filter need, and a buffer as long as the longest command, kept.
#pragma once
#include <memory>
#include <string>

#include "base/json_reader.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/filter_builder.h"

namespace lcg::protocol {

class JsonCommandReader final : public CommandReader {
 public:
  void open(std::string_view frame, uint32_t commands) override;
  Next next() override;
  const Command& command() const override { return command_; }
  std::string_view rest() const override { return rest_; }
  uint32_t commands() const override { return commands_; }
  bool open_connect(std::string_view request) override;

 private:
  bool read_command(std::string_view line);
  void read_request(JsonReader& json, Method method);
  void read_connect(JsonReader& json);
  void read_headers(JsonReader& json);
  void read_recover_subs(JsonReader& json);
  // `with_filter`: `tf` counts.
  void read_subscribe(JsonReader& json, SubscribeCommand& subscribe, bool with_filter);
  void read_filter(JsonReader& json, TagFilter& node, size_t depth);
  void read_filter_nodes(JsonReader& json, TagFilter& node, size_t depth);
  void read_publish(JsonReader& json);
  void read_history(JsonReader& json);
  void read_rpc(JsonReader& json);
  void read_named(JsonReader& json, bool with_type);
  // A string, with its escapes decoded into what is left of escapes_. What is wrong inside is the command's fault.
  void text(JsonReader& json, std::string_view& out, std::string_view field);
  // A field of bytes: a JSON value as it is written.
  void data(JsonReader& json, std::string_view& out);
  void note(const char* fault, std::string_view field);

  // A decoded string, moved to where it stays until the next command.
  std::string_view keep(std::string_view decoded);

  std::string_view rest_, line_;
  uint32_t commands_ = 0;
  bool more_ = false;  // a command is due
  Command command_;
  std::string escapes_;  // as long as the longest command so far: it does not move while one is read
  size_t escapes_used_ = 0;
  bool over_limit_ = false;  // of the command's headers
  FilterBuilder filter_;
};

// In a channel of Fossil deltas every `data` is a JSON string: the text of the whole payload, or the patch. A patch
// that is not UTF-8 cannot stand in one; the whole payload goes out in its place.
class JsonEncoder final : public Encoder {
 public:
  // Unidirectional: pushes stand alone, and there are no replies.
  explicit JsonEncoder(bool unidirectional) : unidirectional_(unidirectional) {}

  ws::MessageKind message_kind() const override { return ws::MessageKind::kText; }
  void error(std::string& out, uint32_t id, const Error& error) const override;
  void connect(std::string& out, uint32_t id, const ConnectReply& reply) const override;
  void subscribe(std::string& out, uint32_t id, const SubscribeReply& reply) const override;
  void unsubscribe(std::string& out, uint32_t id) const override;
  void publish(std::string& out, uint32_t id) const override;
  void presence(std::string& out, uint32_t id, std::span<const ClientInfo> clients) const override;
  void presence_stats(std::string& out, uint32_t id, uint32_t clients, uint32_t users) const override;
  void history(std::string& out, uint32_t id, const HistoryReply& reply) const override;
  void rpc(std::string& out, uint32_t id, std::string_view data) const override;
  void refresh(std::string& out, uint32_t id, const RefreshReply& reply) const override;
  void sub_refresh(std::string& out, uint32_t id, const RefreshReply& reply) const override;
  void ping(std::string& out) const override;
  void push_publication(std::string& out, const PushChannel& channel, const Publication& pub,
                        DeltaForm delta) const override;
  void push_join(std::string& out, const PushChannel& channel, const ClientInfo& info) const override;
  void push_leave(std::string& out, const PushChannel& channel, const ClientInfo& info) const override;
  void push_unsubscribe(std::string& out, const PushChannel& channel, uint32_t code,
                        std::string_view reason) const override;
  void push_subscribe(std::string& out, std::string_view channel, const SubscribeReply& reply) const override;
  void push_message(std::string& out, std::string_view data) const override;
  void push_disconnect(std::string& out, uint32_t code, std::string_view reason) const override;
  void push_refresh(std::string& out, const RefreshReply& reply) const override;

 private:
  void push_info(std::string& out, const PushChannel& channel, std::string_view name,
                 const ClientInfo& info) const;

  bool unidirectional_;
};

}  // namespace lcg::protocol
