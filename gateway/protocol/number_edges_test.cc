// Every number of the client protocol at the edges of its type and of the next one, in both encodings: it is
// read as what it is or the frame is malformed (3501); none becomes another.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/protocol/json_codec.h"
#include "gateway/protocol/protobuf_codec.h"
#include "gateway/protocol/protobuf_fields.h"
#include "gateway/protocol/protobuf_wire.h"

namespace lcg::protocol {
namespace {

// Wide enough for all of them.
__extension__ typedef __int128 Wide;  // NOLINT(modernize-use-using): -Wpedantic

struct NumberField {
  const char* name;
  const char* before;  // the JSON around the number
  const char* after;
  std::vector<uint32_t> path;  // of Protobuf's field numbers, from the command
  Wide least, most;
  Wide (*value)(const Command&);
};

template <class Int>
constexpr Wide kLeast = std::numeric_limits<Int>::min();
template <class Int>
constexpr Wide kMost = std::numeric_limits<Int>::max();

const std::vector<NumberField> kFields{
    {"id",
     "{\"id\":",
     "}",
     {field::command::kId},
     0,
     kMost<uint32_t>,
     [](const Command& c) { return Wide(c.id); }},
    {"subscribe.offset",
     R"({"subscribe":{"offset":)",
     "}}",
     {field::command::kSubscribe, field::subscribe_request::kOffset},
     0,
     kMost<uint64_t>,
     [](const Command& c) { return Wide(c.subscribe.offset); }},
    {"subscribe.flag",
     R"({"subscribe":{"flag":)",
     "}}",
     {field::command::kSubscribe, field::subscribe_request::kFlag},
     kLeast<int64_t>,
     kMost<int64_t>,
     [](const Command& c) { return Wide(c.subscribe.flag); }},
    {"subscribe.type",
     R"({"subscribe":{"type":)",
     "}}",
     {field::command::kSubscribe, field::subscribe_request::kType},
     kLeast<int32_t>,
     kMost<int32_t>,
     [](const Command& c) { return Wide(c.subscribe.type); }},
    {"connect.subs.offset",
     R"({"connect":{"subs":{"a":{"offset":)",
     "}}}}",
     {field::command::kConnect, field::connect_request::kSubs, field::map_entry::kValue,
      field::subscribe_request::kOffset},
     0,
     kMost<uint64_t>,
     [](const Command& c) { return Wide(c.connect.subs.at(0).offset); }},
    {"history.limit",
     R"({"history":{"limit":)",
     "}}",
     {field::command::kHistory, field::history_request::kLimit},
     kLeast<int32_t>,
     kMost<int32_t>,
     [](const Command& c) { return Wide(c.history.limit); }},
    {"history.since.offset",
     R"({"history":{"since":{"offset":)",
     "}}}",
     {field::command::kHistory, field::history_request::kSince, field::stream_position::kOffset},
     0,
     kMost<uint64_t>,
     [](const Command& c) { return Wide(c.history.offset); }},
    {"publish.type",
     R"({"publish":{"type":)",
     "}}",
     {field::command::kPublish, field::publish_request::kType},
     kLeast<int32_t>,
     kMost<int32_t>,
     [](const Command& c) { return Wide(c.publish.type); }},
    {"sub_refresh.type",
     R"({"sub_refresh":{"type":)",
     "}}",
     {field::command::kSubRefresh, field::sub_refresh_request::kType},
     kLeast<int32_t>,
     kMost<int32_t>,
     [](const Command& c) { return Wide(c.named.type); }},
};

constexpr std::array<Wide, 18> kEdges{0,
                                      1,
                                      2,
                                      (Wide(1) << 31) - 1,
                                      Wide(1) << 31,
                                      (Wide(1) << 32) - 1,
                                      Wide(1) << 32,
                                      (Wide(1) << 32) + 5,
                                      (Wide(1) << 53) - 1,
                                      Wide(1) << 53,
                                      (Wide(1) << 63) - 1,
                                      Wide(1) << 63,
                                      (Wide(1) << 64) - 1,
                                      -1,
                                      -(Wide(1) << 31),
                                      -(Wide(1) << 31) - 1,
                                      -(Wide(1) << 53),
                                      -(Wide(1) << 63)};

std::string decimal(Wide value) {
  const bool negative = value < 0;
  std::string out;
  for (Wide left = negative ? -value : value; left != 0 || out.empty(); left /= 10)
    out.insert(out.begin(), static_cast<char>('0' + static_cast<int>(left % 10)));
  return negative ? "-" + out : out;
}

// What the field has; nothing: the frame is malformed.
template <class Reader>
std::optional<Wide> read(const std::string& frame, const NumberField& field) {
  Reader reader;
  reader.open(frame, 0);
  if (reader.next() != Next::kCommand) return std::nullopt;
  return field.value(reader.command());
}
std::optional<Wide> from_json(std::string_view number, const NumberField& field) {
  return read<JsonCommandReader>(std::string(field.before).append(number).append(field.after), field);
}
std::string message_of(const std::vector<uint32_t>& path, size_t at, uint64_t number) {
  std::string out;
  FieldWriter writer(out);
  if (at + 1 == path.size()) {
    writer.number(path[at], number);
  } else {
    out.push_back(static_cast<char>(path[at] << 3 | 2));
    const std::string inner = message_of(path, at + 1, number);
    out.push_back(static_cast<char>(inner.size()));
    out.append(inner);
  }
  return out;
}
std::optional<Wide> from_protobuf(Wide number, const NumberField& field) {
  const std::string message = message_of(field.path, 0, static_cast<uint64_t>(number));
  return read<ProtobufCommandReader>(static_cast<char>(message.size()) + message, field);
}

TEST(NumberEdges, InJson) {
  for (const NumberField& field : kFields) {
    for (const Wide edge : kEdges) {
      const bool fits = edge >= field.least && edge <= field.most;
      EXPECT_EQ(from_json(decimal(edge), field) == edge, fits) << field.name << " " << decimal(edge);
      EXPECT_EQ(from_json(decimal(edge), field).has_value(), fits) << field.name << " " << decimal(edge);
    }
  }
}

TEST(NumberEdges, WhatIsNoIntegerIsMalformedInJson) {
  for (const NumberField& field : kFields) {
    for (const char* text :
         {"1.5", "1.0", "1e3", "1E0", "\"1\"", "true", "[1]", "{}", "01", "+1", "0x1", ".5", "1.", "-", "NaN",
          "Infinity", "18446744073709551616", "-9223372036854775809", "99999999999999999999999999999999"}) {
      EXPECT_FALSE(from_json(text, field).has_value()) << field.name << " " << text;
    }
  }
}

// A varint has 64 bits: numbers of a signed field are its two's complement, a shorter field has fewer values.
TEST(NumberEdges, InProtobuf) {
  for (const NumberField& field : kFields) {
    for (const Wide edge : kEdges) {
      const auto bits = static_cast<uint64_t>(edge);
      const Wide meant = field.least < 0 ? Wide(static_cast<int64_t>(bits)) : Wide(bits);
      const bool fits = meant >= field.least && meant <= field.most;
      EXPECT_EQ(from_protobuf(edge, field).has_value(), fits) << field.name << " " << decimal(edge);
      if (fits) {
        EXPECT_TRUE(from_protobuf(edge, field) == meant) << field.name << " " << decimal(edge);
      }
    }
  }
}

}  // namespace
}  // namespace lcg::protocol
