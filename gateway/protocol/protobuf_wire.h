// FieldReader: the fields of one Protobuf message one by one, over a view; nothing is copied.
// FieldWriter: appends the fields of one Protobuf message to a string, in one pass.
//
// Varints and zigzag are protozero's. What it lets pass and we do not: a length, a tag or a number over its bits, a group, a
// known field of another wire type than its own, text that is not UTF-8. Unknown fields are skip()ped.
// Source: Protocol Buffers encoding (protobuf.dev/programming-guides/encoding).
#pragma once
#include <cstdint>
#include <limits>
#include <protozero/buffer_string.hpp>
#include <protozero/exception.hpp>
#include <protozero/types.hpp>
#include <protozero/varint.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/utf8.h"

namespace lcg::protocol {

// Every function throws protozero::exception when the bytes are no message: caught once for a whole command.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message)
      : at_(message.data()), end_(message.data() + message.size()) {}

  // Goes to the next field, false at the end. The field's value must be taken, by one of those below, before the
  // next call.
  bool next() {
    if (at_ == end_) return false;
    const uint64_t tag = protozero::decode_varint(&at_, end_);
    field_ = static_cast<uint32_t>(tag >> 3);
    if (field_ == 0 || tag > std::numeric_limits<uint32_t>::max()) throw protozero::invalid_tag_exception{};
    type_ = static_cast<protozero::pbf_wire_type>(tag & 7);
    return true;
  }
  uint32_t field() const { return field_; }

  uint64_t number() {
    require(protozero::pbf_wire_type::varint);
    return protozero::decode_varint(&at_, end_);
  }
  bool flag() { return number() != 0; }
  // Of 32 bits. What does not fit is refused, not cut off: no encoder writes it, and a limit of 2^32 is not one of 0.
  uint32_t number32() { return fitting<uint32_t>(number()); }
  int32_t signed32() { return fitting<int32_t>(static_cast<int64_t>(number())); }

  std::string_view bytes() {
    require(protozero::pbf_wire_type::length_delimited);
    return delimited();
  }
  std::string_view text() {
    const std::string_view out = bytes();
    if (!valid_utf8(out)) throw protozero::invalid_length_exception{};
    return out;
  }
  FieldReader message() { return FieldReader(bytes()); }

  void skip() {
    switch (type_) {
      case protozero::pbf_wire_type::varint:
        protozero::decode_varint(&at_, end_);
        return;
      case protozero::pbf_wire_type::fixed64:
        advance(8);
        return;
      case protozero::pbf_wire_type::fixed32:
        advance(4);
        return;
      case protozero::pbf_wire_type::length_delimited:
        delimited();
        return;
      default:  // a group
        throw protozero::unknown_pbf_wire_type_exception{};
    }
  }

  // A varint and that many bytes: a field's value, or a message of a frame.
  std::string_view delimited() {
    const uint64_t size = protozero::decode_varint(&at_, end_);
    return advance(size);
  }
  // What was not looked at yet.
  std::string_view rest() const { return {at_, static_cast<size_t>(end_ - at_)}; }

 private:
  template <class Short, class Long>
  static Short fitting(Long value) {
    if (!std::in_range<Short>(value)) throw protozero::varint_too_long_exception{};
    return static_cast<Short>(value);
  }
  void require(protozero::pbf_wire_type type) const {
    if (type_ != type) throw protozero::unknown_pbf_wire_type_exception{};
  }
  std::string_view advance(uint64_t size) {
    if (size > static_cast<uint64_t>(end_ - at_)) throw protozero::end_of_buffer_exception{};
    const std::string_view out(at_, static_cast<size_t>(size));
    at_ += size;
    return out;
  }

  const char* at_;
  const char* end_;
  uint32_t field_ = 0;
  protozero::pbf_wire_type type_ = protozero::pbf_wire_type::unknown;
};

// A field with its zero value is left out, a message is not.
class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  void number(uint32_t field, uint64_t value) {
    if (value == 0) return;
    tag(field, protozero::pbf_wire_type::varint);
    protozero::add_varint_to_buffer(&out_, value);
  }
  void flag(uint32_t field, bool value) { number(field, value ? 1 : 0); }
  void bytes(uint32_t field, std::string_view value) {
    if (value.empty()) return;
    tag(field, protozero::pbf_wire_type::length_delimited);
    protozero::add_varint_to_buffer(&out_, value.size());
    out_.append(value);
  }
  // `body(FieldWriter&)` writes what is in it.
  template <class Body>
  void message(uint32_t field, Body&& body) {
    tag(field, protozero::pbf_wire_type::length_delimited);
    delimited(body);
  }
  // The length in front and no tag: a message of a frame.
  template <class Body>
  void delimited(Body&& body) {
    const size_t start = out_.size();
    out_.push_back('\0');
    body(*this);
    // One byte was kept for the length, which is enough for most; else the message moves on.
    const uint64_t size = out_.size() - start - 1;
    const auto length = static_cast<size_t>(protozero::length_of_varint(size));
    if (length > 1) out_.insert(start, length - 1, '\0');
    protozero::add_varint_to_buffer(out_.data() + start, size);
  }

 private:
  void tag(uint32_t field, protozero::pbf_wire_type type) {
    protozero::add_varint_to_buffer(&out_, field << 3 | static_cast<uint32_t>(type));
  }

  std::string& out_;
};

}  // namespace lcg::protocol
