// Sec-WebSocket-Extensions (RFC 6455 9.1) and what permessage-deflate makes of an offer (RFC 7692 7.1): pure,
// no I/O.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace lcg::ws {

struct ExtensionAnswer {
  bool malformed = false;  // not a list of extensions: the upgrade is refused with 400
  uint8_t deflate = 0;     // permessage-deflate is agreed: bits of the server's window; 0: it is not
  std::string header;      // what to answer; "" when no offer was accepted
};

// `offers`: the values of all Sec-WebSocket-Extensions headers, joined with ", "; "" for none. The first offer
// that can be served is accepted; one with an unknown, repeated or invalid parameter is declined, and so is a
// server window below kLeastDeflateWindowBits (deflate.h). Both sides go without context takeover, always. A limit
// the client puts on its own window needs no answer: any window is inflated.
ExtensionAnswer negotiate_extensions(std::string_view offers, bool deflate_enabled);

}  // namespace lcg::ws
