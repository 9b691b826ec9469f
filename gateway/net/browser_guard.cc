#include "gateway/net/browser_guard.h"

#include <algorithm>
#include <utility>

#include "base/client_address.h"

namespace lcg::net {
namespace {

bool host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}
bool digit(char c) { return c >= '0' && c <= '9'; }

template <class Predicate>
bool all_of(std::string_view text, Predicate predicate) {
  return !text.empty() && std::all_of(text.begin(), text.end(), predicate);
}

// scheme://host[:port] as a browser serialises it (RFC 6454 6.2).
bool well_formed_origin(std::string_view origin) {
  const size_t colon = origin.find("://");
  if (colon == std::string_view::npos) return false;
  const bool scheme = all_of(origin.substr(0, colon), [](char c) { return host_character(c) || c == '+'; });
  std::string_view rest = origin.substr(colon + 3);
  size_t host_end = 0;
  bool host = false;
  if (rest.starts_with('[')) {
    host_end = std::min(rest.find(']'), rest.size());
    host = host_end < rest.size() && all_of(rest.substr(1, host_end - 1), [](char c) {
             return digit(c) || (c >= 'a' && c <= 'f') || c == ':' || c == '.';
           });
    host_end = std::min(host_end + 1, rest.size());
  } else {
    host_end = std::min(rest.find(':'), rest.size());
    host = all_of(rest.substr(0, host_end), host_character);
  }
  rest.remove_prefix(host_end);
  const bool port = rest.empty() || (rest[0] == ':' && all_of(rest.substr(1), digit));
  return scheme && host && port;
}

// Linear: on a mismatch only the last "*" takes one character more.
bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

// Without its port and the dot that ends a full name.
std::string_view name_of(std::string_view host) {
  host = host.substr(0, host.rfind(':'));
  if (host.size() > 1 && host.ends_with('.')) host.remove_suffix(1);
  return host;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

HttpResponse refusal(unsigned status, std::string why) {
  HttpResponse response = HttpResponse::text(status, std::move(why));
  response.close = true;
  return response;
}

}  // namespace

OriginList::OriginList(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {
  all_ = std::find(patterns_.begin(), patterns_.end(), "*") != patterns_.end();
}

bool OriginList::allows(std::string_view origin) const {
  if (all_) return true;
  if (!well_formed_origin(origin)) return false;
  return std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return matches(pattern, origin); });
}

HostList::HostList(std::vector<std::string> patterns) {
  for (const std::string& pattern : patterns) patterns_.push_back(lower(pattern));
}

bool HostList::valid(std::string_view pattern) {
  return all_of(lower(pattern), [](char c) { return host_character(c) || c == '*'; });
}

bool HostList::knows(std::string_view host) const {
  if (ClientAddress::parse(host).has_value()) return true;
  const std::string name = lower(name_of(host));
  if (name == "localhost") return true;
  return all_of(name, host_character) &&
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const std::string& pattern) { return matches(pattern, name); });
}

bool names_this_host(std::string_view host) {
  const std::optional<ClientAddress> address = ClientAddress::parse(host);
  return address.has_value() ? address->is_loopback() : equal_ignoring_case(name_of(host), "localhost");
}

bool host_is_known(const HttpRequest& request, const HostList& hosts) {
  return request.count("Host") == 0 || hosts.knows(request.header("Host"));
}

std::optional<HttpResponse> refuse_foreign(const HttpRequest& request, const BrowserPolicy& policy) {
  const size_t origins = request.count("Origin");
  if (origins > 1 || (origins == 1 && !policy.origins.allows(request.header("Origin"))))
    return refusal(403, "origin is not allowed; add it to gateway.allowed_origins\n");
  // HTTP/1.0, which no browser speaks, may have none.
  if (!request.internal && request.count("Host") != 0 && !policy.hosts.allows(request.header("Host")))
    return refusal(421, "host is not served here; add it to gateway.allowed_hosts\n");
  return std::nullopt;
}

}  // namespace lcg::net
