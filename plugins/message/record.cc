// SPDX-License-Identifier: Apache-2.0
#include "record.h"

#include <sodium.h>

#include "lcg/json.hpp"
#include "lcg/services/storage_wire.hpp"

namespace lcg::message {

std::string encode(const Record& r) {
  wire::Writer w;
  w.u64(r.id);
  chat::put(w, r.key);
  w.boolean(r.numbered).u64(static_cast<uint64_t>(r.kind)).str(r.type).u64(static_cast<uint64_t>(r.status));
  w.u64(r.attempt).u64(static_cast<uint64_t>(r.created_ms)).u64(static_cast<uint64_t>(r.updated_ms));
  w.u64(r.body_bytes).str(r.body);
  chat::put(w, r.position);
  return w.u64(r.target).u64(r.changed_by).boolean(r.edited).boolean(r.recalled).take();
}

bool decode(std::string_view data, Record& r) {
  wire::Reader in(data);
  r.id = in.u64();
  chat::get(in, r.key);
  r.numbered = in.boolean();
  const uint64_t kind = in.u64();
  r.kind = static_cast<chat::Kind>(kind);
  r.type = in.str();
  const uint64_t status = in.u64();
  r.status = static_cast<Status>(status);
  r.attempt = in.u64();
  r.created_ms = static_cast<int64_t>(in.u64());
  r.updated_ms = static_cast<int64_t>(in.u64());
  r.body_bytes = in.u64();
  r.body = in.str();
  chat::get(in, r.position);
  r.target = in.u64();
  r.changed_by = in.u64();
  r.edited = in.boolean();
  r.recalled = in.boolean();
  return in.ok() && kind <= static_cast<uint64_t>(chat::Kind::kReact) && status <= 2;
}

std::string encode(const KeyEntry& e) {
  wire::Writer w;
  w.u64(e.id).str(e.content_hash);
  if (e.refused()) w.u64(e.refused_code).str(e.refused_why);
  return w.take();
}

bool decode(std::string_view data, KeyEntry& e) {
  wire::Reader in(data);
  e.id = in.u64();
  e.content_hash = in.str();
  if (e.refused() && !in.at_end()) {
    e.refused_code = static_cast<uint32_t>(in.u64());
    e.refused_why = in.str();
  }
  return in.ok();
}

std::string storage_key(const chat::Key& key) {
  std::string out = key.user;
  out += '\0';
  out += key.device;
  out += '\0';
  out += storage::key_u64(key.epoch);
  out += key.dialog;
  out += '\0';
  out += storage::key_u64(key.cseq);
  return out;
}

std::string content_hash(const SendRequest& request) {
  const std::string content = wire::Writer()
                                  .u64(static_cast<uint64_t>(request.kind))
                                  .str(request.type)
                                  .u64(request.target)
                                  .str(request.body)
                                  .take();
  std::string hash(crypto_generichash_BYTES_MIN, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(content.data()), content.size(), nullptr, 0);
  return hash;
}

std::string_view status_name(Status status) {
  switch (status) {
    case Status::kTrying:
      return "trying";
    case Status::kConfirmed:
      return "confirmed";
    case Status::kCancelled:
      return "cancelled";
  }
  return "";
}

std::string to_json(const Record& r, std::string_view body) {
  json::Writer w;
  w.text("kind", chat::kKindNames[static_cast<size_t>(r.kind)]).id("id", r.id).text("dialog", r.key.dialog);
  w.num("seq", r.position.dseq)
      .text("user", r.key.user)
      .text("device", r.key.device)
      .num("epoch", r.key.epoch);
  w.num("cseq", r.position.cseq)
      .num("useq", r.position.useq)
      .num("ts", static_cast<uint64_t>(r.position.ts_ms));
  w.text("status", status_name(r.status)).num("created", static_cast<uint64_t>(r.created_ms));
  w.num("updated", static_cast<uint64_t>(r.updated_ms));
  if (r.target != 0) w.id("target", r.target);
  if (r.edited) w.boolean("edited", true);
  if (r.recalled) w.boolean("recalled", true);
  if (!r.type.empty()) w.text("type", r.type);
  if (!r.recalled) w.raw("body", body.empty() ? "null" : body);
  return w.take();
}

}  // namespace lcg::message
