// HTTP chunks (RFC 9112 7.1) as an endless response uses them: writing one, and finding where one ends.
// What stands in the chunks of the client protocol is gateway/fanout/framing.h. Any thread.
#pragma once
#include <cstddef>
#include <string_view>

namespace lcg::stream {

// Ends the response.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
// What an event stream begins with, so that the client sees it open: a comment line. An empty one, with the first event
// behind it in one read, makes some clients lose the event.
inline constexpr std::string_view kFirstEventChunk = "2\r\n:\n\r\n";

// The size of the chunk that begins at `bytes`, its own framing included. REQUIRES: a chunk of ours, whose
// size line is whole.
constexpr size_t chunk_size_at(std::string_view bytes) {
  size_t data = 0;
  size_t line = 0;
  for (; bytes[line] != '\r'; ++line) {
    const char c = bytes[line];
    data = data * 16 + static_cast<size_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return line + 2 + data + 2;
}

}  // namespace lcg::stream
