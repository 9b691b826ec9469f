// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/records.h"

#include "lcg/wire.hpp"

namespace lcg::uaa {
namespace {

uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }
int64_t time_of(wire::Reader& reader) { return static_cast<int64_t>(reader.u64()); }

}  // namespace

std::string encode(const PasswordRecord& r) {
  return wire::Writer().str(r.name).str(r.hash).u64(bits(r.created_ms)).u64(bits(r.changed_ms)).take();
}

bool decode(std::string_view data, PasswordRecord& out) {
  wire::Reader reader(data);
  out.name = reader.str();
  out.hash = reader.str();
  out.created_ms = time_of(reader);
  out.changed_ms = time_of(reader);
  return reader.ok();
}

std::string encode(const LoginRecord& r) {
  wire::Writer w;
  w.str(r.type).str(r.subject).str(r.name);
  w.u64(bits(r.created_ms)).u64(bits(r.refreshed_ms)).u64(bits(r.expires_ms));
  return w.str(r.family_hash).str(r.refresh_hash).str(r.previous_hash).take();
}

bool decode(std::string_view data, LoginRecord& out) {
  wire::Reader reader(data);
  out.type = reader.str();
  out.subject = reader.str();
  out.name = reader.str();
  out.created_ms = time_of(reader);
  out.refreshed_ms = time_of(reader);
  out.expires_ms = time_of(reader);
  out.family_hash = reader.str();
  out.refresh_hash = reader.str();
  out.previous_hash = reader.str();
  return reader.ok();
}

std::string encode(const KeyRecord& r) {
  return wire::Writer().str(r.private_der).u64(bits(r.created_ms)).str(r.sealed).take();
}

bool decode(std::string_view data, KeyRecord& out) {
  wire::Reader reader(data);
  out.private_der = reader.str();
  out.created_ms = time_of(reader);
  if (!reader.at_end()) out.sealed = reader.str();
  return reader.ok();
}

}  // namespace lcg::uaa
