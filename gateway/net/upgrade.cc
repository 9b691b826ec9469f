#include "gateway/net/upgrade.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "gateway/ws/extensions.h"

namespace lcg::net {
namespace {

constexpr std::string_view kProtobuf = "centrifuge-protobuf";

bool digit(char c) { return c >= '0' && c <= '9'; }

// 16 bytes in base64: 22 characters, of which the last carries 2 bits, and "==".
bool valid_key(std::string_view key) {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  return std::all_of(key.begin(), key.end() - 2, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) || c == '+' || c == '/';
  });
}

UpgradeResult refuse(unsigned status, std::string why) {
  UpgradeResult result;
  result.response = HttpResponse::text(status, std::move(why));
  result.response.close = true;
  return result;
}

}  // namespace

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char encoded[64];
  const int length = EVP_EncodeBlock(encoded, digest, static_cast<int>(size));
  return {reinterpret_cast<const char*>(encoded), static_cast<size_t>(length)};
}

UpgradeResult negotiate_upgrade(const HttpRequest& request, const UpgradePolicy& policy) {
  if (request.method != "GET" || request.version < 11) {
    return refuse(400, "a WebSocket begins with GET and HTTP/1.1\n");
  }
  if (!request.has_token("Upgrade", "websocket")) {
    UpgradeResult result = refuse(426, "this is a WebSocket endpoint\n");
    result.response.headers.push_back({"Upgrade", "websocket"});
    return result;
  }
  if (!request.has_token("Connection", "upgrade")) return refuse(400, "Connection: Upgrade is missing\n");
  if (request.header("Sec-WebSocket-Version") != "13" || request.count("Sec-WebSocket-Version") != 1) {
    UpgradeResult result = refuse(426, "WebSocket version 13 is needed\n");
    result.response.headers.push_back({"Sec-WebSocket-Version", "13"});
    return result;
  }
  if (request.count("Sec-WebSocket-Key") != 1 || !valid_key(request.header("Sec-WebSocket-Key"))) {
    return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64\n");
  }
  if (!request.body.empty() || request.count("Transfer-Encoding") != 0) {
    return refuse(400, "an upgrade request has no body\n");
  }

  const auto& served = policy.subprotocols;
  const bool protobuf_served = std::find(served.begin(), served.end(), kProtobuf) != served.end();
  UpgradeResult result;
  const auto offered =
      [&](std::string_view subprotocol) {  // RFC 6455 4.2.2: a client knows its own spelling alone
        return request.has_token("Sec-WebSocket-Protocol", subprotocol, true);
      };
  for (const std::string& subprotocol : served) {
    if (offered(subprotocol)) {
      result.subprotocol = subprotocol;
      break;
    }
  }
  const bool asks_protobuf =
      request.query_value("format") == "protobuf" || request.query_value("cf_protocol") == "protobuf" ||
      result.subprotocol == kProtobuf || (result.subprotocol.empty() && offered(kProtobuf));
  if (asks_protobuf && !protobuf_served) {
    return refuse(400, "the Protobuf encoding is not served here; use JSON\n");
  }

  std::string offers;
  for (const HttpHeader& h : request.headers) {
    if (!equal_ignoring_case(h.name, "Sec-WebSocket-Extensions")) continue;
    if (!offers.empty()) offers += ", ";
    offers += h.value;
  }
  const ws::ExtensionAnswer extensions = ws::negotiate_extensions(offers, policy.deflate);
  if (extensions.malformed) return refuse(400, "Sec-WebSocket-Extensions is malformed\n");

  result.accepted = true;
  result.protobuf = asks_protobuf;
  result.deflate = extensions.deflate;
  result.response.status = 101;
  result.response.headers = {{"Upgrade", "websocket"},
                             {"Connection", "Upgrade"},
                             {"Sec-WebSocket-Accept", websocket_accept(request.header("Sec-WebSocket-Key"))}};
  if (!result.subprotocol.empty()) {
    result.response.headers.push_back({"Sec-WebSocket-Protocol", result.subprotocol});
  }
  if (result.deflate != 0) result.response.headers.push_back({"Sec-WebSocket-Extensions", extensions.header});
  return result;
}

}  // namespace lcg::net
