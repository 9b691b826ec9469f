// SPDX-License-Identifier: Apache-2.0
#include "entry.h"

#include "lcg/json.hpp"

namespace lcg::dialog {

std::string encode(const Entry& e) {
  wire::Writer w;
  w.u64(static_cast<uint64_t>(e.kind)).u64(e.dseq).u64(static_cast<uint64_t>(e.ts_ms)).str(e.user);
  w.u64(e.id).str(e.device).u64(e.epoch).u64(e.cseq).u64(e.useq).u64(e.uprev).u64(e.cprev).str(e.session);
  w.str(e.type).str(e.body).u64(e.body_bytes).boolean(e.recalled).u64(e.target).u64(e.target_dseq);
  w.str(e.op).u64(e.users.size());
  for (const std::string& user : e.users) w.str(user);
  return w.str(e.detail).take();
}

bool decode(std::string_view data, Entry& e) {
  wire::Reader r(data);
  const uint64_t kind = r.u64();
  e.kind = static_cast<chat::Kind>(kind);
  e.dseq = r.u64();
  e.ts_ms = static_cast<int64_t>(r.u64());
  e.user = r.str();
  e.id = r.u64();
  e.device = r.str();
  e.epoch = r.u64();
  e.cseq = r.u64();
  e.useq = r.u64();
  e.uprev = r.u64();
  e.cprev = r.u64();
  e.session = r.str();
  e.type = r.str();
  e.body = r.str();
  e.body_bytes = r.u64();
  e.recalled = r.boolean();
  e.target = r.u64();
  e.target_dseq = r.u64();
  e.op = r.str();
  e.users.clear();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) e.users.emplace_back(r.str());
  e.detail = r.str();
  return r.ok() && kind <= static_cast<uint64_t>(chat::Kind::kMeta);
}

std::string to_json(const Entry& e, std::string_view dialog, std::string_view body) {
  json::Writer w;
  w.text("kind", chat::kKindNames[static_cast<size_t>(e.kind)]);
  const bool said = e.kind <= chat::Kind::kReact;
  if (said) w.id("id", e.id);
  w.text("dialog", dialog).num("seq", e.dseq).text("user", e.user);
  if (said) {
    w.text("device", e.device).num("epoch", e.epoch).num("cseq", e.cseq).num("useq", e.useq);
    w.num("uprev", e.uprev).num("cprev", e.cprev);
  }
  w.num("ts", static_cast<uint64_t>(e.ts_ms));
  if (e.target != 0) w.id("target", e.target).num("target_seq", e.target_dseq);
  if (said) {
    if (!e.type.empty()) w.text("type", e.type);
    if (e.recalled) {
      w.boolean("recalled", true);
    } else if (body.empty() && e.body_bytes > 0) {
      w.boolean("ref", true).num("size", e.body_bytes);
    } else if (e.kind != chat::Kind::kRecall) {
      w.raw("body", body.empty() ? "null" : body);
    }
  } else {
    w.text("op", e.op).texts("users", e.users);
  }
  std::string out = w.take();
  if (!e.detail.empty()) {
    out.back() = ',';
    out += e.detail;
    out += '}';
  }
  return out;
}

std::string to_json(const Entry& e, std::string_view dialog) { return to_json(e, dialog, e.body); }

}  // namespace lcg::dialog
