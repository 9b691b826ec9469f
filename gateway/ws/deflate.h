// permessage-deflate (RFC 7692) without context takeover in either direction.
//
// Every message is compressed by itself. So a connection owns no window and no z_stream (a lane has one of
// each, used for one message after the other), and a compressed frame means the same on every connection with the same
// window: it is made once for a channel's block and shared by all its subscribers, like a plain one
// (protocol::Framing::kWebSocketDeflate).
//
// Compression and secrets (CRIME, BREACH): whoever may put text of his choice beside a secret into one
// compressed message, and sees its length, can guess the secret byte by byte. Messages share no window, so
// only text inside one message matters. Replies that carry credentials or session secrets (connect, refresh,
// sub_refresh) are sent by Transport::send_secret(), which never compresses; publications have no secret of
// their reader beside them. Off by default (gateway.websocket.compression).
//
// Lane: the one that made it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "gateway/ws/transport.h"

struct z_stream_s;

namespace lcg::ws {

struct DeflateOptions {
  bool enabled = false;
  int level = 1;  // of zlib, 1 (fast) to 9
  // Bytes; a shorter message is sent plain. Below this the flush and the Huffman trees eat what is won.
  size_t min_bytes = 256;
};

// The window of what we send: 4 KiB, whatever larger one a client allows. A frame that is shared must suit
// all its readers, messages are rarely larger, and a small window is cheap to reset. A client may ask for a smaller
// one; zlib has none of 8 bits.
inline constexpr int kDeflateWindowBits = 12, kLeastDeflateWindowBits = 9;
// Bytes; a longer message is sent plain, for compressing it would hold the lane too long (some ms for this many).
inline constexpr size_t kMaxDeflateBytes = 256u << 10;
// Bytes of scratch that are kept between messages.
inline constexpr size_t kDeflateKeepBytes = 64u << 10;

class Deflater {
 public:
  explicit Deflater(const DeflateOptions& options);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  // The payload of a compressed frame, valid until the next call; "" when `payload` is below min_bytes or
  // gets no shorter: then it is sent plain. `window`: its bits, kLeastDeflateWindowBits to kDeflateWindowBits.
  std::string_view compress(std::string_view payload, int window = kDeflateWindowBits);
  // What compress() gave is used: what is over kDeflateKeepBytes is let go.
  void give_back();

  // Appends one whole frame of `payload` to `out`: compressed if that is shorter, else plain. For blocks
  // that are shared (Transport::send_block()).
  void append_frame(std::string& out, std::string_view payload, MessageKind kind,
                    int window = kDeflateWindowBits);

 private:
  struct End {
    void operator()(z_stream_s* zlib) const;
  };
  z_stream_s& stream(int window);
  void keep_room(size_t bytes);

  const DeflateOptions options_;
  // By window; made when the first client asks for it.
  std::array<std::unique_ptr<z_stream_s, End>, kDeflateWindowBits - kLeastDeflateWindowBits + 1> zlib_;
  std::unique_ptr<char[]> scratch_;
  size_t scratch_bytes_ = 0;
};

class Inflater {
 public:
  struct Result {
    uint16_t error = 0;  // a close code: 1009 over max_bytes, 1007 not DEFLATE, 1008 over `work`
    const char* reason = "";
    std::string_view message;  // valid until the next call
    size_t work = 0;           // what it cost (inflate_budget.h)
  };

  // `max_bytes`: of a message once inflated. What a bomb costs is this much memory of the lane, for a moment.
  explicit Inflater(size_t max_bytes);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // `payload`: of all frames of one message together. `work`: the most it may cost (inflate_budget.h).
  Result inflate(std::string_view payload, size_t work = SIZE_MAX);
  // The message is handled: what is over kDeflateKeepBytes is let go.
  void give_back();
  size_t kept_bytes() const { return out_bytes_; }

 private:
  bool make_room(size_t used);

  const size_t max_bytes_;
  std::unique_ptr<z_stream_s> zlib_;
  std::unique_ptr<char[]> out_;
  size_t out_bytes_ = 0;
};

}  // namespace lcg::ws
