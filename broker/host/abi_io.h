// Crossing the C ABI: its structs from and to our values. Sizes and growth are handled here and nowhere else.
//
// A plugin's struct may be shorter (older header) or longer (newer) than ours: known_part() copies what both
// know and leaves the rest zero, which every field defines as "not there".
#pragma once
#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

#include "broker/host/plugin_host.h"
#include "lcg/lcg_plugin.h"

namespace lcg::host {

inline lcg_str c_str(std::string_view s) { return {s.data(), s.size()}; }
inline lcg_bytes c_bytes(std::string_view s) {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};  // NOLINT: char to uint8_t
}
// A NULL pointer is empty whatever its size says.
inline std::string_view view(lcg_str s) {
  return s.data == nullptr ? std::string_view() : std::string_view(s.data, s.size);
}
inline std::string_view view(lcg_bytes b) {
  return b.data == nullptr ? std::string_view()
                           : std::string_view(reinterpret_cast<const char*>(b.data), b.size);  // NOLINT
}

// At most `limit` bytes, never half a UTF-8 sequence (continuation bytes are 10xxxxxx).
std::string_view cut_at_character(std::string_view text, size_t limit);

template <class T>
T known_part(const T* p) {
  T known{};
  if (p == nullptr) return known;
  std::memcpy(&known, p, std::min<size_t>(p->struct_size, sizeof(T)));
  known.struct_size = sizeof(T);
  return known;
}

// The peer as a plugin sees it; borrows from `peer`, which may be null (nobody known yet).
lcg_peer c_peer(const Peer* peer);

// False: NULL or too short to carry a status.
bool readable(const lcg_result* result);
// Unreadable results and unknown statuses become LCG_E_INTERNAL, a disconnect code that is
// not 3001..3014, 3500..3509 or 4000..4999 is dropped, the message is cut to kMaxMessage bytes
// (a call: max_message) at a character.
void read_chain_result(const lcg_result* result, ChainResult& out);
void read_call_result(const lcg_result* result, ServiceCallResponse& out, size_t max_message);

// Borrows from `response`.
lcg_result c_result(const ServiceCallResponse& response);

// "timeout", "busy", ...: for logs and messages.
std::string_view status_name(lcg_status status);

}  // namespace lcg::host
