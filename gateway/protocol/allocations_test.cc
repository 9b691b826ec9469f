// What a lane does for every message allocates nothing, once its buffers have grown.
#include <gtest/gtest.h>

#include "gateway/fanout/test_allocations.h"
#include "gateway/protocol/codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {
namespace {

std::string protobuf_frame() {
  std::string out;
  FieldWriter(out).delimited([](FieldWriter& command) {
    command.message(field::command::kSubscribe, [](FieldWriter& sub) {
      sub.bytes(field::subscribe_request::kChannel, "a channel with a long name");
      sub.number(field::subscribe_request::kOffset, 1'000'000);
    });
  });
  FieldWriter(out).delimited([](FieldWriter& command) {
    command.message(field::command::kPublish, [](FieldWriter& publish) {
      publish.bytes(field::publish_request::kChannel, "a channel with a long name");
      publish.bytes(field::publish_request::kData, std::string_view("\x00\xFF", 2));
    });
  });
  return out;
}

size_t allocations_to_read(CommandReader& reader, std::string_view frame) {
  const size_t before = gateway::allocations();
  reader.open(frame);
  while (reader.next() == Next::kCommand) {
  }
  return gateway::allocations() - before;
}

TEST(Allocations, ReadingJsonNeedsNone) {
  const std::string frame =
      "{\"id\":1,\"subscribe\":{\"channel\":\"a \\u0063hannel with a long name\",\"offset\":1000000}}\n"
      "{\"id\":2,\"publish\":{\"channel\":\"a channel with a long name\",\"data\":{\"text\":\"hi\"}}}\n"
      "{\"id\":3,\"history\":{\"channel\":\"c\",\"limit\":10,\"since\":{\"offset\":1,\"epoch\":\"xYz\"}}}\n"
      "{\"id\":4,\"rpc\":{\"method\":\"m\",\"data\":[]}}\n{}";
  const auto reader = make_reader(Encoding::kJson);
  EXPECT_GT(allocations_to_read(*reader, frame), 0u);  // the buffer for escapes

  EXPECT_EQ(allocations_to_read(*reader, frame), 0u);
}

TEST(Allocations, ReadingProtobufNeedsNone) {
  const std::string frame = protobuf_frame();
  const auto reader = make_reader(Encoding::kProtobuf);

  EXPECT_EQ(allocations_to_read(*reader, frame), 0u);
}

class Written : public testing::TestWithParam<Encoding> {};

TEST_P(Written, NeedsNoAllocation) {
  const Encoder& encoder = encoder_of(Variant{.encoding = GetParam()});
  Publication pub;
  pub.offset = 7;
  pub.data = SharedBytes(R"({"text":"good morning, is anybody awake at this hour?"})");
  pub.patch = SharedBytes("9\n1@0,8:xxxxxxxx");
  pub.info = {"a user with a long name", "7c1f7c1f-0000-4000-8000-000000000000", SharedBytes("{}"), {}};
  pub.has_info = true;
  pub.tags = {{"city", "Oslo"}, {"a tag with a long name", "and a value that is no shorter"}};
  std::string out;
  out.reserve(16384);

  const size_t before = gateway::allocations();
  encoder.push_publication(out, {"chat:1"}, pub, DeltaForm::kNone);
  encoder.push_publication(out, {"chat:1", 5}, pub, DeltaForm::kPatch);
  encoder.push_join(out, {"chat:1"}, pub.info);
  encoder.error(out, 3, {});
  encoder.publish(out, 4);
  encoder.rpc(out, 5, pub.data.view());
  encoder.ping(out);

  EXPECT_EQ(gateway::allocations() - before, 0u);
}
INSTANTIATE_TEST_SUITE_P(Both, Written, testing::Values(Encoding::kJson, Encoding::kProtobuf),
                         [](const auto& test) { return std::string(encoding_name(test.param)); });

TEST(Allocations, FilteringNeedsNone) {
  TagFilter price, city, both;
  price.key = "price", price.cmp = "gte", price.val = "10.500000000000000000000000000001";
  city.key = "city", city.cmp = "in", city.vals = {"Rome, the eternal city", "Oslo"};
  both.op = "and", both.nodes = {price, city};
  const Tags tags = {{"city", "Oslo"}, {"price", "99999999999999999999999999999999999"}};

  const size_t before = gateway::allocations();
  const bool fits = both.invalid().empty() && both.matches(tags);

  EXPECT_EQ(gateway::allocations() - before, 0u);
  EXPECT_TRUE(fits);
}

}  // namespace
}  // namespace lcg::protocol
