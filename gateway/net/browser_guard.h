// Which web pages and host names requests may come by: Origin (RFC 6454) and Host, for every request of every
// listener, before a route sees it, so that no path can forget to ask. Pure.
//
// A page that another site shows can send requests to this server with what the browser has, and one whose
// name is turned to point here (DNS rebinding) can read the answers. The first is told by Origin, which
// browsers add to every request that can change something; the second also by Host, which then has the page's
// name. Programs send no Origin.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/net/http_message.h"

namespace lcg::net {

// Origins whose pages may ask (client protocol 1.1). A pattern is an origin in which "*" stands for any run
// of characters ("https://*.example.com", "http://localhost:*"); "*" alone allows everything. A request
// without an Origin header, which no page sends, is always allowed; with an empty list every request that has
// one is refused.
class OriginList {
 public:
  OriginList() = default;
  explicit OriginList(std::vector<std::string> patterns);

  // Origins are compared byte by byte as browsers send them: lower case, no default port, punycode. What is
  // not of the form scheme://host[:port] ("null", user info, a path, upper case) is matched by "*" alone.
  bool allows(std::string_view origin) const;

 private:
  std::vector<std::string> patterns_;
  bool all_ = false;
};

// Names that Host may have, without a port: "chat.example.com", "*.example.com", in any case. An empty list
// allows all. "localhost" and addresses are always allowed: nobody can make another name of them.
class HostList {
 public:
  HostList() = default;
  explicit HostList(std::vector<std::string> patterns);
  // A pattern of a name: no scheme, no port, no path, not empty.
  static bool valid(std::string_view pattern);

  bool allows(std::string_view host) const { return patterns_.empty() || knows(host); }
  // The same, but that an empty list knows no name: for what needs no key.
  bool knows(std::string_view host) const;

 private:
  std::vector<std::string> patterns_;  // lower case
};

// Does Host name this machine itself: "localhost", "127.0.0.1:8000", "[::1]:8000"?
bool names_this_host(std::string_view host);

// HTTP/1.0, which no browser speaks, may have no Host: true.
bool host_is_known(const HttpRequest& request, const HostList& hosts);

struct BrowserPolicy {
  OriginList origins;
  HostList hosts;
};

// 403 for an Origin that is not allowed, or for two; 421 for a Host that is not served on a public listener.
// Says which setting would allow it, and ends the connection.
std::optional<HttpResponse> refuse_foreign(const HttpRequest& request, const BrowserPolicy& policy);

}  // namespace lcg::net
