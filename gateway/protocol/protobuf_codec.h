// The Protobuf encoding of the client protocol: length-delimited commands in, length-delimited replies out.
//
// Strict where the encoding is (protobuf_wire.h): what is cut off or goes past its end, a known field of the wrong
// type, a group, text that is not UTF-8 are malformed. Lenient where it says so: unknown fields are passed over, of
// several requests in one command the first in the order of Method counts, a repeated single field is merged.
// A message of no bytes is a ping or a pong. `data` is any bytes. Reading allocates nothing but what the lists of a
// connect and the nodes of a tag filter need. Source: client-protocol 1.2 to 1.9.
#pragma once
#include <string>

#include "gateway/protocol/codec.h"
#include "gateway/protocol/filter_builder.h"

namespace lcg::protocol {

class FieldReader;

class ProtobufCommandReader final : public CommandReader {
 public:
  void open(std::string_view frame, uint32_t commands) override;
  Next next() override;
  const Command& command() const override { return command_; }
  std::string_view rest() const override { return rest_; }
  uint32_t commands() const override { return commands_; }
  bool open_connect(std::string_view request) override;

 private:
  void begin(Method method);
  // A string. One that is not UTF-8 is the command's fault.
  std::string_view text(FieldReader& in, std::string_view field);
  void read_command(FieldReader in);
  void read_request(FieldReader in, Method method);
  void read_connect(FieldReader in);
  void read_header(FieldReader in);
  void read_recover_sub(FieldReader in);
  // `with_filter`: `tf` counts.
  void read_subscribe(FieldReader in, SubscribeCommand& subscribe, bool with_filter);
  void read_filter(FieldReader in, TagFilter& node, size_t depth);
  void read_publish(FieldReader in);
  void read_history(FieldReader in);
  void read_rpc(FieldReader in);
  void read_channel(FieldReader in);
  void read_refresh(FieldReader in);
  void read_sub_refresh(FieldReader in);

  std::string_view rest_;
  uint32_t commands_ = 0;
  bool more_ = false;  // a command is due
  Command command_;
  FilterBuilder filter_;
};

class ProtobufEncoder final : public Encoder {
 public:
  // Unidirectional: pushes stand alone, and there are no replies.
  explicit ProtobufEncoder(bool unidirectional) : unidirectional_(unidirectional) {}

  ws::MessageKind message_kind() const override { return ws::MessageKind::kBinary; }
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
  template <class Body>
  void push(std::string& out, const PushChannel& channel, uint32_t field, Body&& body) const;

  bool unidirectional_;
};

}  // namespace lcg::protocol
