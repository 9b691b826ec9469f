#include "gateway/ws/frame_parser.h"

#include <algorithm>
#include <cstring>

#include "gateway/ws/mask.h"

namespace lcg::ws {
namespace {

constexpr const char* kNotUtf8 = "text is not UTF-8";
constexpr const char* kTooBig = "message too big";

}  // namespace

FrameParser::Event FrameParser::next(std::span<char>& input) {
  release_delivered();
  Event event;
  while (state_ != State::kDone) {
    if (state_ == State::kHeader) {
      if (input.empty()) return {};
      if (take_header(input, event)) return event;
      if (state_ == State::kHeader) return {};  // the header is cut
    } else {
      if (take_payload(input, event)) return event;
      if (state_ == State::kPayload) return {};  // the payload is cut
    }
  }
  input = {};
  return {};
}

FrameParser::Assembly& FrameParser::assembly() {
  if (assembly_ == nullptr) assembly_ = std::make_unique<Assembly>();
  return *assembly_;
}

void FrameParser::release_delivered() {
  if (delivered_) assembly_->open = false;
  delivered_ = false;
  // A control frame handed out from the assembly, or one that is no longer needed.
  const bool needed = state_ == State::kPayload || (state_ == State::kHeader && message_open());
  if (assembly_ != nullptr && !needed) assembly_.reset();
}

// Returns true with an event, or false with state_ kPayload (the header is taken) or kHeader (it is cut).
bool FrameParser::take_header(std::span<char>& input, Event& event) {
  Header header;
  if (header_size_ == 0) {
    header = decode_header(input.data(), input.size());
    if (header.size == 0 && header.error == 0) {
      std::memcpy(header_, input.data(), input.size());
      header_size_ = static_cast<uint8_t>(input.size());
      input = {};
      return false;
    }
    if (header.error == 0) {
      std::memcpy(mask_, input.data() + header.size - sizeof mask_, sizeof mask_);
      first_byte_ = static_cast<uint8_t>(input[0]);
      input = input.subspan(header.size);
    }
  } else {
    while (header.size == 0 && header.error == 0) {
      if (input.empty()) return false;
      header_[header_size_++] = input[0];
      input = input.subspan(1);
      header = decode_header(header_, header_size_);
    }
    if (header.error == 0) {
      std::memcpy(mask_, header_ + header.size - sizeof mask_, sizeof mask_);
      first_byte_ = static_cast<uint8_t>(header_[0]);
      header_size_ = 0;
    }
  }
  if (header.error != 0) {
    event = fail(header.error, header.reason);
    return true;
  }
  mask_phase_ = 0;
  payload_left_ = header.payload_bytes;
  return begin_frame(input, event);
}

// Reads as much as is there, so that the first offending byte decides however the bytes came.
FrameParser::Header FrameParser::decode_header(const char* bytes, size_t size) const {
  const auto byte = [bytes](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  Header header;
  const auto refuse = [&header](uint16_t code, const char* reason) {
    header.error = code;
    header.reason = reason;
    return header;
  };

  if (const char* reason = check_first_byte(byte(0)); reason != nullptr) {
    return refuse(close_code::kProtocolError, reason);
  }
  if (size < 2) return header;
  const bool control = (byte(0) & 0x8) != 0;
  if ((byte(1) & 0x80) == 0) return refuse(close_code::kProtocolError, "frame is not masked");
  uint64_t length = byte(1) & 0x7F;
  if (control && length > kMaxControlPayload) {
    return refuse(close_code::kProtocolError, "control frame over 125 bytes");
  }

  size_t length_bytes = 0;
  if (length >= 126) {
    length_bytes = length == 126 ? 2 : 8;
    if (size < 2 + length_bytes) return header;
    length = 0;
    for (size_t i = 0; i < length_bytes; ++i) length = length << 8 | byte(2 + i);
    if (length < 126 || (length_bytes == 8 && length <= 0xFFFF)) {
      return refuse(close_code::kProtocolError, "length is not in its shortest form");
    }
    if (length >> 63 != 0) return refuse(close_code::kProtocolError, "length has its highest bit set");
  }
  if (!control) {
    const uint64_t before = message_open() ? assembly_->message.size() : 0;
    if (length > limits_->max_message_bytes - before) return refuse(close_code::kTooBig, kTooBig);
  }
  if (size < 2 + length_bytes + sizeof mask_) return header;
  header.size = 2 + length_bytes + sizeof mask_;
  header.payload_bytes = length;
  return header;
}

const char* FrameParser::check_first_byte(uint8_t byte) const {
  const auto opcode = static_cast<Opcode>(byte & 0xF);
  const bool may_be_compressed =
      inflater_ != nullptr && (opcode == Opcode::kText || opcode == Opcode::kBinary);
  if ((byte & 0x70 & ~(may_be_compressed ? kRsv1 : 0)) != 0) return "reserved bit set";
  const bool final = (byte & 0x80) != 0;
  switch (opcode) {
    case Opcode::kContinuation:
      return message_open() ? nullptr : "continuation of no message";
    case Opcode::kText:
    case Opcode::kBinary:
      return message_open() ? "message inside a fragmented message" : nullptr;
    case Opcode::kClose:
    case Opcode::kPing:
    case Opcode::kPong:
      return final ? nullptr : "control frame is fragmented";
  }
  return "reserved opcode";
}

bool FrameParser::begin_frame(std::span<char>& input, Event& event) {
  state_ = State::kPayload;
  const bool whole = payload_left_ <= input.size();
  const auto in_place = [&] {
    const size_t size = static_cast<size_t>(payload_left_);
    unmask(input.data(), size, mask_, 0);
    const std::string_view payload(input.data(), size);
    input = input.subspan(size);
    payload_left_ = 0;
    state_ = State::kHeader;
    return payload;
  };

  if (is_control()) {
    if (whole) {
      event = control_event(in_place());
      return true;
    }
    assembly().control_size = 0;
    return false;
  }
  const bool first = opcode() != Opcode::kContinuation;
  if (skipping_) {
    if (first && !is_final()) assembly().open = true;
    return false;
  }
  const MessageKind kind = opcode() == Opcode::kBinary ? MessageKind::kBinary : MessageKind::kText;
  if (whole && first && is_final()) {
    const std::string_view payload = in_place();
    if (is_compressed()) {
      event = inflated_event(payload, kind);
      return true;
    }
    event = kind == MessageKind::kText && !valid_utf8(payload) ? fail(close_code::kInvalidData, kNotUtf8)
                                                               : Event{EventType::kMessage, kind, 0, payload};
    return true;
  }
  Assembly& part = assembly();
  if (first) {
    part.open = true;
    part.kind = kind;
    part.compressed = is_compressed();
  }
  if (payload_left_ == 0 && ++part.empty_fragments > limits_->max_empty_fragments) {
    event = fail(close_code::kPolicy, "too many empty fragments");
    return true;
  }
  return false;
}

// Returns true with an event, or false with state_ kHeader (the frame is done) or kPayload (it is cut).
bool FrameParser::take_payload(std::span<char>& input, Event& event) {
  if (skipping_ && !is_control()) {
    skip_payload(input);
    return false;
  }
  const size_t size = static_cast<size_t>(std::min<uint64_t>(payload_left_, input.size()));
  if (size == 0 && payload_left_ != 0) return false;
  Assembly& part = *assembly_;
  char* to = nullptr;
  if (is_control()) {
    to = part.control + part.control_size;
    if (size != 0) std::memcpy(to, input.data(), size);
    part.control_size = static_cast<uint8_t>(part.control_size + size);
  } else {
    // Room grows with what came, not with what was announced.
    const size_t need = part.message.size() + size;
    if (need > part.message.capacity()) {
      const size_t announced = part.message.size() + static_cast<size_t>(payload_left_);
      part.message.reserve(std::min(announced, std::max(need, 2 * part.message.capacity())));
    }
    if (size != 0) part.message.append(input.data(), size);
    to = part.message.data() + part.message.size() - size;
  }
  unmask(to, size, mask_, mask_phase_);
  mask_phase_ = static_cast<uint8_t>((mask_phase_ + size) & 3);
  input = input.subspan(size);
  payload_left_ -= size;

  if (!is_control() && !part.compressed && part.kind == MessageKind::kText && !part.utf8.feed({to, size})) {
    event = fail(close_code::kInvalidData, kNotUtf8);
    return true;
  }
  if (payload_left_ != 0) return false;
  state_ = State::kHeader;
  if (is_control()) {
    event = control_event({part.control, part.control_size});
    return true;
  }
  return finish_data_frame(event);
}

void FrameParser::skip_messages() {
  skipping_ = true;
  if (assembly_ != nullptr && !delivered_) assembly_->message = {};
}

void FrameParser::skip_payload(std::span<char>& input) {
  const size_t size = static_cast<size_t>(std::min<uint64_t>(payload_left_, input.size()));
  input = input.subspan(size);
  payload_left_ -= size;
  if (payload_left_ != 0) return;
  state_ = State::kHeader;
  if (is_final() && assembly_ != nullptr) assembly_->open = false;
}

bool FrameParser::finish_data_frame(Event& event) {
  if (!is_final()) return false;
  Assembly& part = *assembly_;
  if (part.compressed) {
    event = inflated_event(part.message, part.kind);
    delivered_ = event.type == EventType::kMessage;
    return true;
  }
  if (part.kind == MessageKind::kText && !part.utf8.complete()) {
    event = fail(close_code::kInvalidData, kNotUtf8);
    return true;
  }
  delivered_ = true;
  event = {EventType::kMessage, part.kind, 0, part.message};
  return true;
}

FrameParser::Event FrameParser::inflated_event(std::string_view payload, MessageKind kind) {
  const size_t own = payload.size() * (size_t{1} + free_for_a_byte_);
  const size_t work = allowed_work_ == UINT32_MAX ? SIZE_MAX : allowed_work_ + own;
  const Inflater::Result result = inflater_->inflate(payload, work);
  if (result.error != 0) return fail(result.error, result.reason);
  if (kind == MessageKind::kText && !valid_utf8(result.message)) {
    return fail(close_code::kInvalidData, kNotUtf8);
  }
  return {EventType::kMessage,
          kind,
          0,
          result.message,
          result.work > payload.size() ? result.work - payload.size() : 0,
          payload.size()};
}

FrameParser::Event FrameParser::control_event(std::string_view payload) {
  switch (opcode()) {
    case Opcode::kPing:
      return {EventType::kPing, {}, 0, payload};
    case Opcode::kPong:
      return {EventType::kPong, {}, 0, payload};
    default:
      return close_event(payload);
  }
}

FrameParser::Event FrameParser::close_event(std::string_view payload) {
  if (payload.size() == 1) return fail(close_code::kProtocolError, "close frame of one byte");
  uint16_t code = close_code::kNone;
  if (!payload.empty()) {
    code = static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8 | static_cast<uint8_t>(payload[1]));
    if (!valid_close_code(code)) return fail(close_code::kProtocolError, "close code is not allowed");
    payload.remove_prefix(2);
    if (!valid_utf8(payload)) return fail(close_code::kInvalidData, "close reason is not UTF-8");
  }
  state_ = State::kDone;
  return {EventType::kClose, {}, code, payload};
}

FrameParser::Event FrameParser::fail(uint16_t code, const char* reason) {
  state_ = State::kDone;
  header_size_ = 0;
  return {EventType::kError, {}, code, reason};
}

}  // namespace lcg::ws
