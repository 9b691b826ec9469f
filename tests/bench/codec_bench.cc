// What the client protocol costs without sockets: one core, no I/O.
//   build/release/bin/codec_bench
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "base/sim_lane.h"
#include "gateway/fanout/hub.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace {

using namespace lcg;  // NOLINT: a benchmark's own file

PublicationPtr publication(uint64_t offset) {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = "xYzAbcDe";
  pub->data = SharedBytes(R"({"text":"good morning, is anybody awake at this hour?","cseq":17})");
  pub->info = {"42", "7c1f7c1f-0000-4000-8000-000000000000", {}, {}};
  pub->has_info = true;
  return pub;
}

void decode(benchmark::State& state, const std::string& frame, Encoding encoding = Encoding::kJson) {
  const auto reader = protocol::make_reader(encoding);
  for (auto _ : state) {
    reader->open(frame);
    while (reader->next() == protocol::Next::kCommand) benchmark::DoNotOptimize(reader->command().id);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(frame.size()));
}

void decode_rpc(benchmark::State& state) {
  decode(
      state,
      R"({"id":7,"rpc":{"method":"message.send","data":{"dialog":"g1","text":"good morning","cseq":17}}})");
}
BENCHMARK(decode_rpc);

void decode_publish(benchmark::State& state) {
  decode(state, R"({"id":7,"publish":{"channel":"dialog:g1","data":{"text":"good morning"}}})");
}
BENCHMARK(decode_publish);

void decode_connect_and_subscribes(benchmark::State& state) {
  std::string frame = R"({"id":1,"connect":{"token":")" + std::string(700, 'e') + R"(","name":"js"}})";
  for (int i = 2; i < 22; ++i) {
    frame += "\n{\"id\":" + std::to_string(i) + R"(,"subscribe":{"channel":"dialog:)" + std::to_string(i) +
             R"(","recover":true,"epoch":"xYzAbcDe","offset":1234,"flag":1}})";
  }
  decode(state, frame);
}
BENCHMARK(decode_connect_and_subscribes);

// The same commands in Protobuf. `body(FieldWriter&)` writes one.
template <class Body>
void append_command(std::string& frame, uint32_t id, uint32_t method, Body&& body) {
  protocol::FieldWriter(frame).delimited([&](protocol::FieldWriter& command) {
    command.number(protocol::field::command::kId, id);
    command.message(method, body);
  });
}

void decode_protobuf_rpc(benchmark::State& state) {
  std::string frame;
  append_command(frame, 7, protocol::field::command::kRpc, [](protocol::FieldWriter& rpc) {
    rpc.bytes(protocol::field::rpc_request::kMethod, "message.send");
    rpc.bytes(protocol::field::rpc_request::kData, R"({"dialog":"g1","text":"good morning","cseq":17})");
  });
  decode(state, frame, Encoding::kProtobuf);
}
BENCHMARK(decode_protobuf_rpc);

void decode_protobuf_connect_and_subscribes(benchmark::State& state) {
  std::string frame;
  append_command(frame, 1, protocol::field::command::kConnect, [](protocol::FieldWriter& connect) {
    connect.bytes(protocol::field::connect_request::kToken, std::string(700, 'e'));
    connect.bytes(protocol::field::connect_request::kName, "js");
  });
  for (uint32_t i = 2; i < 22; ++i) {
    append_command(frame, i, protocol::field::command::kSubscribe, [i](protocol::FieldWriter& subscribe) {
      namespace field = protocol::field::subscribe_request;
      subscribe.bytes(field::kChannel, "dialog:" + std::to_string(i));
      subscribe.flag(field::kRecover, true);
      subscribe.bytes(field::kEpoch, "xYzAbcDe");
      subscribe.number(field::kOffset, 1234);
      subscribe.number(field::kFlag, 1);
    });
  }
  decode(state, frame, Encoding::kProtobuf);
}
BENCHMARK(decode_protobuf_connect_and_subscribes);

void encode_push(benchmark::State& state, Encoding encoding) {
  const PublicationPtr pub = publication(7);
  const protocol::Encoder& encoder = protocol::encoder_of(protocol::Variant{.encoding = encoding});
  std::string out;
  for (auto _ : state) {
    out.clear();
    encoder.push_publication(out, {"dialog:g1"}, *pub, protocol::DeltaForm::kNone);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(out.size()));
}
BENCHMARK_CAPTURE(encode_push, json, Encoding::kJson);
BENCHMARK_CAPTURE(encode_push, protobuf, Encoding::kProtobuf);

struct Sink final : ws::Transport {
  void send_message(std::string_view, ws::MessageKind) override {}
  void send_block(const SharedBytes& frames) override { bytes += frames.size(); }
  void send_ping(std::string_view) override {}
  size_t queued_bytes() const override { return 0; }
  void pause_reading(bool) override {}
  void close(uint32_t, std::string_view) override {}
  void abort(uint32_t, std::string_view) override {}
  ClientAddress remote_address() const override { return {}; }
  size_t bytes = 0;
};
struct Owner final : gateway::SubscriptionOwner {
  void on_position_lost(gateway::Subscription&) override {}
  void on_unsubscribed(gateway::Subscription&, uint32_t, std::string_view) override {}
  void on_inappropriate(gateway::Subscription&) override {}
};

// Per delivery, the system call left out. Arguments: subscribers, publications a turn.
void fan_out(benchmark::State& state) {
  SimWorld world(1);
  gateway::Hub hub(world.lane(0), {});
  Owner owner;
  std::vector<std::unique_ptr<Sink>> sinks;
  std::vector<std::unique_ptr<gateway::Subscription>> subscriptions;
  for (int64_t i = 0; i < state.range(0); ++i) {
    sinks.push_back(std::make_unique<Sink>());
    subscriptions.push_back(
        std::make_unique<gateway::Subscription>(owner, *sinks.back(), protocol::Variant{}));
    hub.subscribe("dialog:g1", true, *subscriptions.back());
    hub.activate(*subscriptions.back(), {.position = {0, "xYzAbcDe"}, .tracked = true, .join_leave = false});
  }
  uint64_t offset = 0;
  for (auto _ : state) {
    for (int64_t i = 0; i < state.range(1); ++i)
      hub.deliver(DeliverPublication{"dialog:g1", publication(++offset)});
    hub.flush();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * state.range(1));
  for (const auto& subscription : subscriptions) hub.remove(*subscription);
}
BENCHMARK(fan_out)->Args({1, 1})->Args({1000, 1})->Args({1000, 16})->Args({10000, 1});

}  // namespace

BENCHMARK_MAIN();
