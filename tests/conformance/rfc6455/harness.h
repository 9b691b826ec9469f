// A conversation with the production frame layer over a socket of 127.0.0.1: what the client writes byte by byte, and
// what the server must answer frame by frame.
//
// Servers are made when a case first needs one and live until the program ends (main.cc). Each echoes every message in
// its kind on /echo; on /closes it answers the first message by closing with 4001 "enough".
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace lcg::conformance {

enum class Profile : uint8_t {
  kPlain,  // the limits a server has by default: 65536 bytes, 1024 fragments, of which 16 are empty
  kLarge,  // messages of 16 MiB
  kDeflate,  // permessage-deflate; 65536 bytes, 131072 once inflated; every message of 16 bytes or more is compressed
};

// A frame of the server. Never masked, always final, its length in the shortest form: read_frames() sees to it.
struct Frame {
  uint8_t first = 0;  // FIN, RSV1 to 3, opcode
  std::string payload;
  friend bool operator==(const Frame&, const Frame&) = default;
};
void PrintTo(const Frame& frame, std::ostream* out);

inline Frame text(std::string payload) { return {0x81, std::move(payload)}; }
inline Frame binary(std::string payload) { return {0x82, std::move(payload)}; }
inline Frame pong(std::string payload) { return {0x8A, std::move(payload)}; }
// 0: no code. What the server gives as its reason is not compared.
Frame closed(uint16_t code);

// A client's frame whose header says what it likes. `length_bytes`: 0, 2 or 8 of extended length.
std::string frame_of_length(uint8_t first, unsigned length_bytes, uint64_t length, std::string_view payload);

struct Case {
  std::string name;
  std::string bytes;            // of the client, behind its upgrade
  std::vector<Frame> expected;  // up to the end of the stream
  size_t step = 0;              // bytes a write, each in a segment of its own; 0: all at once
};
void PrintTo(const Case& one, std::ostream* out);
// The same with a closing handshake of 1000 behind it.
Case with_close(Case one);
// Each case once more, a byte at a time.
std::vector<Case> also_byte_by_byte(std::vector<Case> cases);
// For INSTANTIATE_TEST_SUITE_P.
inline std::string case_name(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class Client {
 public:
  explicit Client(Profile profile);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // In pieces of `step` bytes, 0: one. What the server does not take any more is left out.
  void send(std::string_view bytes, size_t step = 0);
  // The answer to an HTTP request: its head, with "\r\n\r\n".
  std::string read_head();
  // The upgrade: "" or what went wrong. `headers`: more lines, each with "\r\n".
  std::string upgrade(std::string_view path, std::string_view headers = "");
  // The frames that come until the stream ends. Fails the test where a server may not send them so.
  std::vector<Frame> read_frames();
  // The first `count` of them.
  std::vector<Frame> read_frames(size_t count);

 private:
  bool read_some();
  bool take_frame(Frame& frame);

  int fd_;
  std::string input_;
};

// Upgrades, sends and compares. `headers` as above.
void expect_conversation(const Case& one, Profile profile = Profile::kPlain, std::string_view path = "/echo",
                         std::string_view headers = "");

// Ends the servers.
void stop_servers();

}  // namespace lcg::conformance
