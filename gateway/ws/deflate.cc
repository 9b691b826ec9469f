#include "gateway/ws/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <climits>
#include <cstring>

#include "base/status.h"
#include "gateway/ws/frame.h"
#include "gateway/ws/limits.h"

namespace lcg::ws {
namespace {

constexpr int kRaw = -1;                // zlib: negative window bits are a stream without header
constexpr int kMemoryLevel = 6;         // 32 KiB for hashes and symbols
constexpr int kInflateWindowBits = 15;  // a client may use any window
// What ends every flush, and is not sent (RFC 7692 7.2.1).
constexpr std::string_view kTail("\x00\x00\xff\xff", 4);
constexpr int kAtBlockEnd = 128;  // of z_stream::data_type
constexpr size_t kFirstInflateBytes = 16u << 10;

Bytef* bytes_of(const char* text) { return reinterpret_cast<Bytef*>(const_cast<char*>(text)); }

}  // namespace

void Deflater::End::operator()(z_stream_s* zlib) const {
  deflateEnd(zlib);
  delete zlib;
}

Deflater::Deflater(const DeflateOptions& options) : options_(options) {}
Deflater::~Deflater() = default;

z_stream_s& Deflater::stream(int window) {
  auto& zlib = zlib_[static_cast<size_t>(window - kLeastDeflateWindowBits)];
  if (zlib == nullptr) {
    auto made = std::make_unique<z_stream_s>();
    if (deflateInit2(made.get(), options_.level, Z_DEFLATED, kRaw * window, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      die("zlib cannot compress");
    }
    zlib.reset(made.release());
  }
  return *zlib;
}

void Deflater::give_back() {
  if (scratch_bytes_ <= kDeflateKeepBytes) return;
  scratch_.reset();
  scratch_bytes_ = 0;
}

void Deflater::keep_room(size_t bytes) {
  if (bytes <= scratch_bytes_) return;
  scratch_bytes_ = std::max(bytes, kFirstInflateBytes);
  scratch_.reset(new char[scratch_bytes_]);
}

std::string_view Deflater::compress(std::string_view payload, int window) {
  if (payload.empty() || payload.size() < options_.min_bytes || payload.size() > kMaxDeflateBytes) return {};
  keep_room(payload.size());
  z_stream_s& zlib = stream(window);
  deflateReset(&zlib);
  zlib.next_in = bytes_of(payload.data());
  zlib.avail_in = static_cast<uInt>(payload.size());
  // No more room than the plain message needs: what does not fit is not worth it.
  zlib.next_out = bytes_of(scratch_.get());
  zlib.avail_out = static_cast<uInt>(payload.size());
  if (deflate(&zlib, Z_SYNC_FLUSH) != Z_OK || zlib.avail_out == 0) return {};
  return {scratch_.get(), payload.size() - zlib.avail_out - kTail.size()};
}

void Deflater::append_frame(std::string& out, std::string_view payload, MessageKind kind, int window) {
  const std::string_view small = compress(payload, window);
  const Opcode opcode = small.empty() ? opcode_of(kind) : compressed(opcode_of(kind));
  const std::string_view body = small.empty() ? payload : small;
  char header[kMaxFrameHeader];
  out.append(header, write_frame_header(header, opcode, body.size()));
  out.append(body);
  give_back();
}

Inflater::Inflater(size_t max_bytes) : max_bytes_(max_bytes), zlib_(std::make_unique<z_stream_s>()) {
  if (inflateInit2(zlib_.get(), kRaw * kInflateWindowBits) != Z_OK) die("zlib cannot inflate");
}

Inflater::~Inflater() { inflateEnd(zlib_.get()); }

// Room for more than `used` bytes, never for more than one over the limit. False: there is none.
bool Inflater::make_room(size_t used) {
  if (used > max_bytes_) return false;
  const size_t bytes = std::min(std::max(kFirstInflateBytes, 2 * out_bytes_), max_bytes_ + 1);
  std::unique_ptr<char[]> more(new char[bytes]);
  if (used != 0) std::memcpy(more.get(), out_.get(), used);
  out_ = std::move(more);
  out_bytes_ = bytes;
  return true;
}

void Inflater::give_back() {
  if (out_bytes_ <= kDeflateKeepBytes) return;
  out_.reset();
  out_bytes_ = 0;
}

// Block by block (Z_BLOCK), so that blocks without output are counted too.
Inflater::Result Inflater::inflate(std::string_view payload, size_t work) {
  if (payload.empty()) return {};  // what some clients make of an empty message
  inflateReset(zlib_.get());
  size_t used = 0, blocks = 0;
  bool at_end_of_block = true;
  const auto cost = [&] { return used + blocks * kDeflateBlockCost; };
  for (const std::string_view piece : {payload, kTail}) {
    zlib_->next_in = bytes_of(piece.data());
    zlib_->avail_in = static_cast<uInt>(piece.size());
    bool more_to_come = true;
    while (more_to_come) {
      if (used == out_bytes_ && !make_room(used)) return {close_code::kTooBig, "message too big", {}};
      zlib_->next_out = bytes_of(out_.get() + used);
      const auto room = static_cast<uInt>(std::min<size_t>(out_bytes_ - used, UINT_MAX));
      zlib_->avail_out = room;
      const int status = ::inflate(zlib_.get(), Z_BLOCK);
      used += room - zlib_->avail_out;
      at_end_of_block = (zlib_->data_type & kAtBlockEnd) != 0;
      if (at_end_of_block) ++blocks;
      if (cost() > work) return {close_code::kPolicy, "compressed messages cost too much", {}, cost()};
      more_to_come = zlib_->avail_in != 0 || zlib_->avail_out == 0;
      if (status == Z_STREAM_END) {  // a final block inside a message is allowed (RFC 7692 7.2.3.4)
        at_end_of_block = true;
        more_to_come = zlib_->avail_in != 0;
        inflateReset(zlib_.get());
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return {close_code::kInvalidData, "message is not DEFLATE", {}};
      }
    }
  }
  if (used > max_bytes_) return {close_code::kTooBig, "message too big", {}};
  if (!at_end_of_block) return {close_code::kInvalidData, "compressed message is cut", {}};
  return {0, "", {out_.get(), used}, cost()};
}

}  // namespace lcg::ws
