// SPDX-License-Identifier: Apache-2.0
#include "rpc.h"

#include "lcg/json.hpp"
#include "plugins/names/names.h"

namespace lcg::message {

namespace {

Reply bad_request(std::string_view what) {
  return Reply::error(LCG_E_INVALID, std::string(what.substr(0, 100)), chat::code::kBadRequest);
}

struct MethodName {
  std::string_view name;
  ClientCall::Method method;
  chat::Kind kind;
};
constexpr MethodName kMethods[] = {
    {"message.send", ClientCall::Method::kSend, chat::Kind::kMessage},
    {"message.edit", ClientCall::Method::kSend, chat::Kind::kEdit},
    {"message.recall", ClientCall::Method::kSend, chat::Kind::kRecall},
    {"message.react", ClientCall::Method::kSend, chat::Kind::kReact},
    {"message.get", ClientCall::Method::kGet, chat::Kind::kMessage},
    {"message.void", ClientCall::Method::kVoid, chat::Kind::kMessage},
    {"message.device", ClientCall::Method::kDevice, chat::Kind::kMessage},
};

// Who sends: the install the registry named, or the connection itself.
Reply identify(const Request& request, SendRequest& q) {
  q.ephemeral = (request.flags & LCG_PEER_EPHEMERAL_DEVICE) != 0 || request.device_id.empty();
  q.key.user = request.user_id;
  q.key.device = request.device_id.empty() ? "http" : request.device_id;
  q.key.epoch = q.ephemeral ? 0 : request.device_epoch;
  q.session = request.session_id;
  if (!chat::valid_name(q.key.user, chat::kMaxUserBytes) ||
      !chat::valid_name(q.key.device, chat::kMaxDeviceBytes))
    return Reply::error(LCG_E_DENIED, "permission denied", chat::code::kDenied);
  return Reply();
}

// Larger ones are not exact in every client.
uint64_t number(json::Object& in, std::string_view key, uint64_t fallback) {
  const uint64_t value = in.u64(key).value_or(fallback);
  if (value >> 53 != 0) in.fail(key, "expected at most 2^53-1");
  return value;
}

void parse_numbers(json::Object& in, SendRequest& q) {
  const std::optional<uint64_t> cseq = in.u64("cseq");
  q.numbered = cseq.has_value();
  q.key.cseq = cseq.value_or(0);
  if (q.numbered && (q.key.cseq == 0 || q.key.cseq >> 53 != 0)) in.fail("cseq", "expected 1 to 2^53-1");
  // Its retry, after a reconnect, would be another message: there is nothing that both have in common.
  if (q.numbered && q.ephemeral)
    in.fail("cseq",
            "only a device numbers: name it by the header lcg-device as you connect; an HTTP request cannot");
  const uint64_t window = in.u64("window").value_or(1);
  if (window == 0 || window > chat::kMaxWindow) in.fail("window", "expected 1 to 8");
  q.window = static_cast<uint32_t>(window);
  q.useq_expect = number(in, "useq", 0);
}

void parse_body(json::Object& in, SendRequest& q) {
  q.type = in.text("type", q.kind == chat::Kind::kReact ? "emoji" : "text");
  if (!chat::valid_name(q.type, chat::kMaxTypeBytes) || !names::is_visible(q.type))
    in.fail("type", "expected 1 to 32 bytes of visible text");
  q.body = in.raw("body");
  if (q.body.empty()) in.fail("body", "expected a JSON value");
}

}  // namespace

std::optional<ClientCall> parse_rpc(const Request& request, Reply* refusal) {
  const MethodName* method = nullptr;
  for (const MethodName& m : kMethods)
    if (m.name == request.name) method = &m;
  if (method == nullptr) return std::nullopt;

  ClientCall call{method->method, {}, 0};
  SendRequest& q = call.send;
  q.kind = method->kind;
  *refusal = identify(request, q);
  if (!refusal->ok() || call.method == ClientCall::Method::kDevice) return call;
  json::Object in;
  if (!json::Object::parse(request.data, in)) {
    *refusal = bad_request("expected one JSON object");
    return call;
  }

  const bool about_dialog = q.kind == chat::Kind::kMessage && call.method != ClientCall::Method::kGet;
  if (about_dialog) {
    q.key.dialog = in.required_text("dialog");
    if (!chat::valid_dialog_id(q.key.dialog)) in.fail("dialog", "expected 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  } else {
    const uint64_t id = in.u64("id").value_or(0);
    if (id == 0 || id >> 63 != 0) in.fail("id", "expected a message id");
    call.id = q.target = id;
  }
  if (call.method != ClientCall::Method::kGet) parse_numbers(in, q);
  if (call.method == ClientCall::Method::kVoid && !q.numbered) in.fail("cseq", "is required");
  if (call.method == ClientCall::Method::kSend) {
    if (q.kind == chat::Kind::kRecall) {
      q.body = "null";
    } else {
      parse_body(in, q);
    }
  }
  const uint64_t epoch = number(in, "epoch", q.key.epoch);
  if (!in.error().empty()) {
    *refusal = bad_request(in.error());
  } else if (q.body.size() > chat::kMaxBodyBytes) {
    *refusal = Reply::error(LCG_E_INVALID, "max_bytes:" + std::to_string(chat::kMaxBodyBytes),
                            chat::code::kTooLarge);
  } else if (q.numbered && epoch != q.key.epoch) {
    *refusal =
        Reply::error(LCG_E_CONFLICT, "stale_epoch:" + std::to_string(q.key.epoch), chat::code::kStaleEpoch);
  }
  return call;
}

std::string device_json(const SendRequest& q) {
  json::Writer w;
  if (q.ephemeral) return w.raw("device", "null").take();
  return w.text("device", q.key.device).num("epoch", q.key.epoch).take();
}

std::string position_json(const chat::Position& p, std::string_view dialog) {
  json::Writer w;
  w.id("id", p.id);
  if (!dialog.empty()) w.text("dialog", dialog);
  w.num("seq", p.dseq).num("useq", p.useq).num("cseq", p.cseq).num("ts", static_cast<uint64_t>(p.ts_ms));
  return w.take();
}

}  // namespace lcg::message
