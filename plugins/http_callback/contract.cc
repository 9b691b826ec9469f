// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/contract.h"

#include <algorithm>
#include <limits>

#include "lcg/json.hpp"
#include "plugins/http_callback/base64.h"

namespace lcg::http_callback {
namespace {

constexpr std::string_view kInternalText = "internal server error";
// Unix seconds that are milliseconds without overflow.
constexpr uint64_t kMaxSeconds = static_cast<uint64_t>(std::numeric_limits<int64_t>::max()) / 1000;

Reply client_error(uint32_t error_code, std::string message, bool temporary) {
  Reply reply = Reply::error(LCG_E_INTERNAL, std::move(message), error_code);
  if (temporary) reply.flags |= LCG_RESULT_TEMPORARY;
  return reply;
}

// What the host lets a plugin close with; another code comes to "force disconnect".
Reply closing(uint64_t disconnect_code, std::string reason) {
  const bool allowed = (disconnect_code >= 3001 && disconnect_code <= 3014) ||
                       (disconnect_code >= 3500 && disconnect_code <= 3509) ||
                       (disconnect_code >= 4000 && disconnect_code <= 4999);
  return Reply::close(allowed ? static_cast<uint32_t>(disconnect_code) : code::kForceDisconnect,
                      std::move(reason));
}

// A member that is one of two: "data" is JSON, "b64data" any bytes. False: malformed.
bool take_bytes(json::Object& from, const std::string& name, bool must_be_json, std::string& out) {
  const std::string encoded = from.text("b64" + name);
  if (encoded.empty()) {
    if (from.has(name)) out = from.raw(name);
    return true;
  }
  std::optional<std::string> bytes = from_base64(encoded);
  if (!bytes || (must_be_json && !json::valid(*bytes))) {
    from.fail("b64" + name, must_be_json ? "expected base64 of JSON" : "expected base64");
    return false;
  }
  out = *std::move(bytes);
  return true;
}

bool is_object(std::string_view json) { return json.starts_with('{'); }

// A member that is an object, as written; "" when absent.
std::string object_member(json::Object& from, std::string_view name) {
  if (!from.has(name)) return {};
  std::string raw = from.raw(name);
  if (!is_object(raw)) from.fail(name, "expected an object");
  return raw;
}

int64_t take_expiry(json::Object& result) {
  const uint64_t seconds = result.u64("expire_at").value_or(0);
  if (seconds > kMaxSeconds) result.fail("expire_at", "expected Unix seconds");
  return static_cast<int64_t>(std::min(seconds, kMaxSeconds) * 1000);
}

// The members of `names` that are there, as one JSON object; "" when none is.
std::string pick(const json::Object& from, std::initializer_list<std::string_view> names) {
  json::Writer out;
  bool any = false;
  for (const std::string_view name : names) {
    if (!from.has(name)) continue;
    out.raw(name, from.raw(name));
    any = true;
  }
  return any ? out.take() : std::string();
}

void read_connect(json::Object& result, bool server_refresh, Reply& reply) {
  reply.user_id = result.text("user");
  reply.expire_at_ms = take_expiry(result);
  take_bytes(result, "info", true, reply.info);
  take_bytes(result, "data", false, reply.data);
  reply.channels = result.texts("channels", kMaxChannels);
  object_member(result, "subs");
  reply.options = pick(result, {"subs"});
  if (result.has("meta")) reply.meta = result.raw("meta");
  if (server_refresh && reply.expire_at_ms != 0) reply.flags |= LCG_RESULT_SERVER_REFRESH;
}

void read_refresh(json::Object& result, bool with_meta, Reply& reply) {
  if (result.boolean("expired", false)) reply.flags = LCG_RESULT_EXPIRED;
  reply.expire_at_ms = take_expiry(result);
  take_bytes(result, "info", true, reply.info);
  if (with_meta && result.has("meta")) reply.meta = result.raw("meta");
}

void read_subscribe(json::Object& result, Reply& reply) {
  reply.expire_at_ms = take_expiry(result);
  take_bytes(result, "info", true, reply.info);
  take_bytes(result, "data", false, reply.data);
  object_member(result, "override");
  reply.options = pick(result, {"override"});
}

void read_publish(json::Object& result, Reply& reply) {
  take_bytes(result, "data", false, reply.data);
  result.boolean("skip_history", false);
  result.boolean("delta", false);
  result.text("idempotency_key");
  result.text("version_epoch");
  result.u64("version");
  object_member(result, "tags");
  reply.options =
      pick(result, {"skip_history", "tags", "idempotency_key", "delta", "version", "version_epoch"});
}

void read_result(uint32_t kind, json::Object& result, bool server_refresh, Reply& reply) {
  switch (kind) {
    case LCG_REQ_CONNECT:
      return read_connect(result, server_refresh, reply);
    case LCG_REQ_REFRESH:
    case LCG_REQ_SUB_REFRESH:
      return read_refresh(result, kind == LCG_REQ_REFRESH, reply);
    case LCG_REQ_SUBSCRIBE:
      return read_subscribe(result, reply);
    case LCG_REQ_PUBLISH:
      return read_publish(result, reply);
    default:
      take_bytes(result, "data", false, reply.data);
  }
}

// An answer without a result.
Reply without_result(uint32_t kind) {
  if (kind == LCG_REQ_CONNECT) return Reply::defer();  // nobody knows this client
  Reply reply = Reply::grant();
  if (kind == LCG_REQ_REFRESH || kind == LCG_REQ_SUB_REFRESH) reply.flags = LCG_RESULT_EXPIRED;
  return reply;
}

Verdict unusable(std::string why) { return {unavailable(), std::move(why)}; }

Verdict read_answer(uint32_t kind, const std::string& body, bool server_refresh) {
  json::Object envelope;
  if (body.empty() || !json::Object::parse(body, envelope))
    return unusable("the answer is not a JSON object");
  for (const std::string_view member : {"disconnect", "error", "result"}) {
    const std::string raw = object_member(envelope, member);
    if (!envelope.error().empty()) return unusable("the answer's " + envelope.error());
    if (raw.empty()) continue;
    json::Object part;
    if (!json::Object::parse(raw, part))
      return unusable("the answer's " + std::string(member) + " names a member twice");
    Reply reply = Reply::grant();  // whoever asks a back end does what it says
    if (member == "result") {
      read_result(kind, part, server_refresh, reply);
    } else {
      const uint64_t number = part.u64("code").value_or(0);
      const std::string text = part.text(member == "error" ? "message" : "reason");
      const bool temporary = part.boolean("temporary", false);
      if (number == 0 || number > std::numeric_limits<uint32_t>::max())
        part.fail("code", "expected a whole number that is not 0");
      reply = member == "error" ? client_error(static_cast<uint32_t>(number), text, temporary)
                                : closing(number, text);
    }
    if (!part.error().empty()) return unusable("the answer's " + std::string(member) + ": " + part.error());
    return {std::move(reply), {}};
  }
  return {without_result(kind), {}};
}

bool put_data(json::Writer& out, const std::string& data, const BackEndSettings& back_end) {
  if (data.empty()) return true;
  if (back_end.binary_encoding) {
    out.text("b64data", base64(data));
    return true;
  }
  if (!json::valid(data)) return false;
  out.raw("data", data);
  return true;
}

// Of a connect it is any bytes, and no reason to refuse the client: what is no JSON is b64data to every back end.
void put_connect_data(json::Writer& out, const std::string& data, const BackEndSettings& back_end) {
  if (!put_data(out, data, back_end)) out.text("b64data", base64(data));
}

}  // namespace

Reply unavailable() { return client_error(code::kInternal, std::string(kInternalText), true); }

std::string_view callback_name(uint32_t kind) {
  constexpr std::string_view kNames[] = {"",    "connect", "subscribe", "publish",
                                         "rpc", "refresh", "",          "sub_refresh"};
  return kind < std::size(kNames) ? kNames[kind] : "";
}

std::optional<std::string> callback_body(const Request& request, const BackEndSettings& back_end) {
  json::Writer out;
  out.text("client", request.session_id)
      .text("transport", request.transport)
      .text("protocol", request.protocol);
  out.text("encoding", back_end.binary_encoding ? "binary" : "json");
  out.text("callback", callback_name(request.kind));
  const bool meta = back_end.include_connection_meta && !request.meta.empty();
  bool good = true;
  if (request.kind == LCG_REQ_CONNECT) {
    put_connect_data(out, request.data, back_end);
    if (!request.client_name.empty()) out.text("name", request.client_name);
    if (!request.client_version.empty()) out.text("version", request.client_version);
    if (!request.channels.empty() && request.channels != "[]") out.raw("channels", request.channels);
    return out.take();
  }
  out.text("user", request.user_id);
  switch (request.kind) {
    case LCG_REQ_SUBSCRIBE:
      out.text("channel", request.name);
      if (!request.credential.empty()) out.text("token", request.credential);
      good = put_data(out, request.data, back_end);
      break;
    case LCG_REQ_PUBLISH:
      out.text("channel", request.name);
      good = put_data(out, request.data, back_end);
      break;
    case LCG_REQ_SUB_REFRESH:
      out.text("channel", request.name);
      break;
    case LCG_REQ_RPC:
      out.text("method", request.name);
      good = put_data(out, request.data, back_end);
      break;
    default:
      break;
  }
  if (meta) out.raw("meta", request.meta);
  return good ? std::optional(out.take()) : std::nullopt;
}

std::optional<std::string> commit_body(const Commit& commit, const BackEndSettings& back_end) {
  constexpr std::string_view kKinds[] = {"", "message", "edit", "react"};
  json::Writer out;
  out.text("client", commit.peer.session_id).text("user", commit.peer.user_id);
  out.text("device", commit.peer.device_id).num("epoch", commit.peer.device_epoch);
  out.text("channel", commit.channel);
  out.text("kind", commit.kind < std::size(kKinds) ? kKinds[commit.kind] : "").text("type", commit.type);
  if (commit.target != 0) out.id("target", commit.target);
  if (commit.cseq != 0) out.num("cseq", commit.cseq);
  out.text("encoding", back_end.binary_encoding ? "binary" : "json").text("callback", kBeforeCommit);
  return put_data(out, commit.data, back_end) ? std::optional(out.take()) : std::nullopt;
}

Verdict verdict_of_commit(const BackEndSettings& back_end, const HttpResult& result) {
  Verdict said = verdict_of(LCG_REQ_PUBLISH, back_end, result, false);
  Reply& reply = said.reply;
  const bool may_pass = (reply.flags & LCG_RESULT_TEMPORARY) != 0;
  if (!said.fault.empty() || (!reply.ok() && may_pass)) {
    reply = Reply::error(LCG_E_UNAVAILABLE, said.fault.empty() ? reply.message : said.fault);
  } else if (!reply.ok()) {
    reply = Reply::error(LCG_E_DENIED, std::move(reply.message),
                         reply.disconnect_code != 0 ? 0 : reply.error_code);
  } else {
    reply = Reply::with(std::move(reply.data));
  }
  return said;
}

Verdict verdict_of(uint32_t kind, const BackEndSettings& back_end, const HttpResult& result,
                   bool server_refresh) {
  if (result.error != HttpResult::Error::kNone) return unusable(result.what);
  if (result.status == 200) return read_answer(kind, result.body, server_refresh);
  const auto it = std::find_if(back_end.transforms.begin(), back_end.transforms.end(),
                               [&](const StatusTransform& t) { return t.status == result.status; });
  if (it == back_end.transforms.end()) return unusable("status " + std::to_string(result.status));
  if (it->error_code != 0) return {client_error(it->error_code, it->text, it->temporary), {}};
  return {closing(it->disconnect_code, it->text), {}};
}

}  // namespace lcg::http_callback
