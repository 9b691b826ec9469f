// The client's address as trusted proxies tell it: X-Forwarded-For, or Forwarded (RFC 7239). Pure.
//
// A header can be written by anybody, so it counts only when the peer of the connection is a trusted proxy, and is
// read from its right end, where the nearest proxy has written: the first address that is not a trusted proxy is
// the client's. Only the header that the operator named is read: a client could send the other.
#pragma once
#include <optional>
#include <string>

#include "base/client_address.h"
#include "gateway/net/cidr.h"
#include "gateway/net/http_message.h"

namespace lcg::net {

struct ProxyPolicy {
  CidrList trusted;
  bool forwarded = false;  // the header is Forwarded, not X-Forwarded-For
};

// Nothing: the peer is not trusted, or the header says nothing; the peer is the client. An entry that is no
// address ends the walk: what trusted proxies told up to there counts.
std::optional<ClientAddress> forwarded_client(const HttpRequest& request, const ClientAddress& peer,
                                              const ProxyPolicy& policy);

}  // namespace lcg::net
