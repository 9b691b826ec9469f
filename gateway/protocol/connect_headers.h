// The emulated HTTP headers of a connect, bounded. Inside the readers.
#pragma once
#include <string_view>

#include "gateway/protocol/command.h"
#include "gateway/protocol/limits.h"

namespace lcg::protocol {

// A name that is there already gets the new value. False: over a limit of limits.h.
inline bool add_header(ConnectCommand& connect, std::string_view name, std::string_view value) {
  size_t bytes = name.size() + value.size();
  for (auto& header : connect.headers) {
    if (header.first == name) {
      header.second = {};
      bytes -= name.size();
    }
    bytes += header.first.size() + header.second.size();
  }
  if (bytes > kMaxEmulatedHeaderBytes) return false;
  for (auto& header : connect.headers) {
    if (header.first == name) {
      header.second = value;
      return true;
    }
  }
  if (connect.headers.size() == kMaxEmulatedHeaders) return false;
  connect.headers.emplace_back(name, value);
  return true;
}

}  // namespace lcg::protocol
