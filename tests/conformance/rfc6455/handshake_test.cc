// RFC 6455 4.1 and 4.2: what is an opening handshake and what is not.
#include <ostream>

#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"

namespace lcg::conformance {
namespace {

constexpr const char* kUpgrade = "Upgrade: websocket\r\n";
constexpr const char* kConnection = "Connection: Upgrade\r\n";
constexpr const char* kVersion = "Sec-WebSocket-Version: 13\r\n";
constexpr const char* kKey = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

struct Handshake {
  std::string name;
  std::string request;
  int status = 101;
  std::string header = "";  // a line of the answer
};
void PrintTo(const Handshake& one, std::ostream* out) { *out << one.request; }
std::string handshake_name(const testing::TestParamInfo<Handshake>& info) { return info.param.name; }

std::string request(const std::string& headers, const std::string& line = "GET /echo HTTP/1.1") {
  return line + "\r\nHost: a\r\n" + headers + "\r\n";
}
std::string usual(const std::string& more = "") {
  return request(std::string(kUpgrade) + kConnection + kVersion + kKey + more);
}
// The usual one with one line in place of another; "" leaves it out.
std::string instead_of(const std::string& line, const std::string& other) {
  std::string out = usual();
  return out.replace(out.find(line), line.size(), other);
}

class Handshakes : public testing::TestWithParam<Handshake> {};
TEST_P(Handshakes, Answer) {
  const Handshake& one = GetParam();
  Client client(Profile::kPlain);

  client.send(one.request);
  const std::string head = client.read_head();

  EXPECT_TRUE(head.starts_with("HTTP/1.1 " + std::to_string(one.status) + ' ')) << head;
  EXPECT_NE(head.find(one.header), std::string::npos) << head;
  if (one.status != 101) return;
  EXPECT_NE(head.find("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos)
      << head;
  EXPECT_EQ(head.find("Sec-WebSocket-Extensions"), std::string::npos) << head;
  client.send(ws::client_text("a") + ws::client_close(1000));
  EXPECT_EQ(client.read_frames(), (std::vector<Frame>{text("a"), closed(1000)}));
}

std::vector<Handshake> accepted() {
  return {
      {"of_the_rfc", usual()},
      {"headers_in_lower_case",
       request("upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
               "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n")},
      {"headers_in_upper_case",
       request("UPGRADE: WEBSOCKET\r\nCONNECTION: UPGRADE\r\nSEC-WEBSOCKET-VERSION: 13\r\n"
               "SEC-WEBSOCKET-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n")},
      {"headers_in_another_order", request(std::string(kKey) + kVersion + kConnection + kUpgrade)},
      {"mixed_case_of_websocket", instead_of(kUpgrade, "Upgrade: WebSocket\r\n")},
      {"connection_is_a_list", instead_of(kConnection, "Connection: keep-alive, Upgrade\r\n")},
      {"connection_is_a_list_without_spaces", instead_of(kConnection, "Connection: keep-alive,Upgrade\r\n")},
      {"connection_in_two_lines",
       instead_of(kConnection, "Connection: keep-alive\r\nConnection: Upgrade\r\n")},
      {"upgrade_is_a_list", instead_of(kUpgrade, "Upgrade: h2c, websocket\r\n")},
      {"spaces_around_values", instead_of(kVersion, "Sec-WebSocket-Version:   13  \r\n")},
      {"no_space_before_a_value", instead_of(kVersion, "Sec-WebSocket-Version:13\r\n")},
      {"with_a_query",
       request(std::string(kUpgrade) + kConnection + kVersion + kKey, "GET /echo?a=1&b HTTP/1.1")},
      {"with_unknown_headers", usual("X-Something: else\r\nCookie: a=b\r\n")},
      {"with_a_subprotocol", usual("Sec-WebSocket-Protocol: centrifuge-json\r\n"), 101,
       "\r\nSec-WebSocket-Protocol: centrifuge-json\r\n"},
      {"with_several_subprotocols", usual("Sec-WebSocket-Protocol: chat, centrifuge-json\r\n"), 101,
       "\r\nSec-WebSocket-Protocol: centrifuge-json\r\n"},
      {"with_subprotocols_in_two_lines",
       usual("Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: centrifuge-json\r\n"), 101,
       "\r\nSec-WebSocket-Protocol: centrifuge-json\r\n"},
      {"with_an_unknown_extension", usual("Sec-WebSocket-Extensions: x-unknown; a=1\r\n")},
      {"with_an_extension_that_is_off", usual("Sec-WebSocket-Extensions: permessage-deflate\r\n")},
      {"with_an_empty_extension_list", usual("Sec-WebSocket-Extensions: \r\n")},
  };
}
INSTANTIATE_TEST_SUITE_P(Accepted, Handshakes, testing::ValuesIn(accepted()), handshake_name);

std::vector<Handshake> refused() {
  const std::string all = std::string(kUpgrade) + kConnection + kVersion + kKey;
  const std::string wants_13 = "\r\nSec-WebSocket-Version: 13\r\n";
  return {
      {"post", request(all + "Content-Length: 0\r\n", "POST /echo HTTP/1.1"), 400},
      {"http_1_0", request(all, "GET /echo HTTP/1.0"), 400},
      {"no_host", std::string("GET /echo HTTP/1.1\r\n") + all + "\r\n", 400},
      {"unknown_path", request(all, "GET /nowhere HTTP/1.1"), 404},
      {"no_upgrade", instead_of(kUpgrade, ""), 426, "\r\nUpgrade: websocket\r\n"},
      {"upgrade_to_something_else", instead_of(kUpgrade, "Upgrade: h2c\r\n"), 426},
      {"no_connection", instead_of(kConnection, ""), 400},
      {"connection_without_upgrade", instead_of(kConnection, "Connection: keep-alive\r\n"), 400},
      {"no_version", instead_of(kVersion, ""), 426, wants_13},
      {"version_0", instead_of(kVersion, "Sec-WebSocket-Version: 0\r\n"), 426, wants_13},
      {"version_8", instead_of(kVersion, "Sec-WebSocket-Version: 8\r\n"), 426, wants_13},
      {"version_14", instead_of(kVersion, "Sec-WebSocket-Version: 14\r\n"), 426, wants_13},
      {"version_013", instead_of(kVersion, "Sec-WebSocket-Version: 013\r\n"), 426, wants_13},
      {"version_is_a_list", instead_of(kVersion, "Sec-WebSocket-Version: 13, 8\r\n"), 426, wants_13},
      {"version_twice", usual(kVersion), 426, wants_13},
      {"no_key", instead_of(kKey, ""), 400},
      {"empty_key", instead_of(kKey, "Sec-WebSocket-Key: \r\n"), 400},
      {"key_of_15_bytes", instead_of(kKey, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n"), 400},
      {"key_of_17_bytes", instead_of(kKey, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZWU=\r\n"), 400},
      {"key_not_base64", instead_of(kKey, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n"), 400},
      {"key_without_padding", instead_of(kKey, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"), 400},
      {"key_twice", usual(kKey), 400},
      {"with_a_body", usual("Content-Length: 2\r\n") + "xx", 400},
      {"malformed_extensions", usual("Sec-WebSocket-Extensions: permessage-deflate;\r\n"), 400},
      {"foreign_origin", usual("Origin: https://elsewhere.example\r\n"), 403},
  };
}
INSTANTIATE_TEST_SUITE_P(Refused, Handshakes, testing::ValuesIn(refused()), handshake_name);

TEST(HandshakeStream, FramesMayFollowInTheSameSegment) {
  Client client(Profile::kPlain);

  client.send(usual() + ws::client_text("early") + ws::client_close(1000));

  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(client.read_frames(), (std::vector<Frame>{text("early"), closed(1000)}));
}

TEST(HandshakeStream, ByteByByte) {
  Client client(Profile::kPlain);

  client.send(usual() + ws::client_text("slow") + ws::client_close(1000), 1);

  EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(client.read_frames(), (std::vector<Frame>{text("slow"), closed(1000)}));
}

}  // namespace
}  // namespace lcg::conformance
