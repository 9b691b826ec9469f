#include "gateway/net/forwarded.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace lcg::net {
namespace {

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The position of `separator` outside of a quoted string (RFC 9110 5.6.4), or the end.
size_t find_outside_quotes(std::string_view text, char separator) {
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == separator && !quoted) {
      return i;
    }
  }
  return text.size();
}

// The value of "for" in one element of Forwarded, without its quotes.
std::string_view for_of(std::string_view element) {
  while (!element.empty()) {
    const size_t end = find_outside_quotes(element, ';');
    const std::string_view pair = trimmed(element.substr(0, end));
    element.remove_prefix(std::min(end + 1, element.size()));
    if (!equal_ignoring_case(pair.substr(0, 4), "for=")) continue;
    std::string_view value = pair.substr(4);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return value;
  }
  return {};
}

}  // namespace

std::optional<ClientAddress> forwarded_client(const HttpRequest& request, const ClientAddress& peer,
                                              const ProxyPolicy& policy) {
  if (!policy.trusted.contains(peer)) return std::nullopt;
  std::vector<std::string_view> hops;
  for (const HttpHeader& h : request.headers) {
    if (!equal_ignoring_case(h.name, policy.forwarded ? "Forwarded" : "X-Forwarded-For")) continue;
    for (std::string_view rest = h.value; !rest.empty();) {
      const size_t comma =
          policy.forwarded ? find_outside_quotes(rest, ',') : std::min(rest.find(','), rest.size());
      hops.push_back(trimmed(rest.substr(0, comma)));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  std::optional<ClientAddress> client;
  for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
    const auto address = ClientAddress::parse(policy.forwarded ? for_of(*hop) : *hop);
    if (!address.has_value()) break;
    client = address;
    if (!policy.trusted.contains(*address)) break;
  }
  return client;
}

}  // namespace lcg::net
