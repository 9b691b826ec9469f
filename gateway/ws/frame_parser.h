// FrameParser: a client's bytes in, WebSocket events out (RFC 6455, the server's side). No I/O, no clock.
//
//   std::span<char> input = what_was_read;
//   for (;;) {
//     const FrameParser::Event event = parser.next(input);
//     if (event.type == FrameParser::EventType::kNeedMore) break;  // all taken
//     ...
//   }
//
// A frame that lies whole in the input is unmasked in place and handed out as a view of it: no allocation, no
// copy. Only what is unfinished when the input ends is copied; once all is finished the parser owns no
// memory, so an idle connection costs its object alone. The same bytes give the same events however they are
// cut into inputs.
//
// Refused, with the close code to send: unmasked frames, reserved bits and opcodes, lengths not in their
// shortest form, control frames fragmented or over 125 bytes, continuations out of place, bad close payloads
// (1002); text that is not UTF-8, as soon as the offending byte is seen (1007); messages over the limits,
// before anything is allocated for them (1009, 1008).
//
// With an Inflater permessage-deflate is agreed (RFC 7692): the first frame of a message may have RSV1, and the
// message is inflated, bounded, before it is handed out. All other reserved bits are refused in one place:
// check_first_byte().
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "gateway/ws/deflate.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/limits.h"

namespace lcg::ws {

class FrameParser {
 public:
  enum class EventType : uint8_t {
    kNeedMore,  // the input is used up
    kMessage,   // data, kind
    kPing,      // data
    kPong,      // data
    kClose,     // code (1005: the frame had none), data: the reason. No event follows.
    kError,     // code to close with, data: why. No event follows.
  };
  struct Event {
    EventType type = EventType::kNeedMore;
    MessageKind kind = MessageKind::kText;
    uint16_t code = 0;
    std::string_view data;  // valid until the next call and as long as the input
    size_t work = 0;        // of a compressed message: what inflating it cost beyond the bytes it came in
    size_t compressed = 0;  // those bytes
  };

  // Both must outlive the parser. The inflater is the lane's; null: no extension.
  explicit FrameParser(const FrameLimits& limits, Inflater* inflater = nullptr)
      : limits_(&limits), inflater_(inflater) {}

  // Takes bytes from the front of `input`, changing them, and returns the first event they complete. After
  // kClose or kError takes and ignores everything.
  Event next(std::span<char>& input);

  // The most that the next compressed message may cost beyond its own bytes, and besides for each of them
  // (inflate_budget.h); over it 1008.
  void allow_work(uint32_t work, uint8_t free_for_a_byte = 0) {
    allowed_work_ = work;
    free_for_a_byte_ = free_for_a_byte;
  }
  // Messages are of no interest any more: what comes of them is passed over, unread and not inflated. Control
  // frames are told as before.
  void skip_messages();

  // Is a frame or a fragmented message unfinished?
  bool unfinished() const {
    if (state_ == State::kHeader) return header_size_ != 0 || (message_open() && !delivered_);
    return state_ == State::kPayload;
  }
  // Bytes of the unfinished message that came so far.
  size_t unfinished_bytes() const { return assembly_ == nullptr ? 0 : assembly_->message.size(); }

 private:
  enum class State : uint8_t { kHeader, kPayload, kDone };
  // What is kept of an unfinished message and of a control frame between its fragments.
  struct Assembly {
    std::string message;
    Utf8Validator utf8;
    uint32_t empty_fragments = 0;
    bool open = false;  // a fragmented message has begun
    bool compressed = false;
    MessageKind kind = MessageKind::kText;
    uint8_t control_size = 0;
    char control[kMaxControlPayload];
  };
  // A frame header taken apart. `size` 0: more bytes are needed; `error` != 0: refuse.
  struct Header {
    size_t size = 0;
    uint64_t payload_bytes = 0;
    uint16_t error = 0;
    const char* reason = "";
  };

  bool message_open() const { return assembly_ != nullptr && assembly_->open; }
  bool is_control() const { return (first_byte_ & 0x8) != 0; }
  bool is_compressed() const { return (first_byte_ & kRsv1) != 0; }
  bool is_final() const { return (first_byte_ & 0x80) != 0; }
  Opcode opcode() const { return static_cast<Opcode>(first_byte_ & 0xF); }
  Assembly& assembly();
  void release_delivered();

  Header decode_header(const char* bytes, size_t size) const;
  const char* check_first_byte(uint8_t byte) const;
  // Both return true with `event` filled if the frame is an event or an error, false to go on.
  bool take_header(std::span<char>& input, Event& event);
  bool begin_frame(std::span<char>& input, Event& event);
  bool take_payload(std::span<char>& input, Event& event);
  void skip_payload(std::span<char>& input);
  bool finish_data_frame(Event& event);
  Event inflated_event(std::string_view payload, MessageKind kind);

  Event control_event(std::string_view payload);
  Event close_event(std::string_view payload);
  Event fail(uint16_t code, const char* reason);

  const FrameLimits* limits_;
  Inflater* inflater_;
  std::unique_ptr<Assembly> assembly_;
  uint64_t payload_left_ = 0;           // of the frame being taken
  uint32_t allowed_work_ = UINT32_MAX;  // no limit
  uint8_t free_for_a_byte_ = 0;
  char mask_[4] = {};
  uint8_t mask_phase_ = 0;
  State state_ = State::kHeader;
  uint8_t first_byte_ = 0;
  bool delivered_ = false;   // the last event was a view of assembly_->message
  bool skipping_ = false;    // messages are passed over
  uint8_t header_size_ = 0;  // bytes in header_, when a header was cut by the end of an input
  char header_[14];
};

}  // namespace lcg::ws
