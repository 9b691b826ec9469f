#include "gateway/net/forwarded.h"

#include <algorithm>
#include <string_view>

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

// Takes the last element of a list, which is the nearest proxy's: that proxy appends to whatever the client wrote, a
// quote that nobody closes included, so quotes are read from the right.
std::string_view take_last(std::string_view& list, bool with_quotes) {
  bool quoted = false;
  size_t i = list.size();
  for (; i > 0; --i) {
    const char c = list[i - 1];
    if (c == ',' && !quoted) break;
    if (c != '"' || !with_quotes) continue;
    size_t escapes = 0;
    while (quoted && i - 1 > escapes && list[i - 2 - escapes] == '\\') ++escapes;
    if (escapes % 2 == 0) quoted = !quoted;
  }
  const std::string_view last = trimmed(list.substr(i));
  list = list.substr(0, i == 0 ? 0 : i - 1);
  return last;
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
  std::optional<ClientAddress> client;
  for (auto h = request.headers.rbegin(); h != request.headers.rend(); ++h) {
    if (!equal_ignoring_case(h->name, policy.forwarded ? "Forwarded" : "X-Forwarded-For")) continue;
    for (std::string_view rest = h->value; !rest.empty();) {
      const std::string_view hop = take_last(rest, policy.forwarded);
      if (hop.empty()) continue;  // RFC 9110 5.6.1.2: empty elements do not count
      const auto address = ClientAddress::parse(policy.forwarded ? for_of(hop) : hop);
      if (!address.has_value()) return client;
      client = address;
      if (!policy.trusted.contains(*address)) return client;
    }
  }
  return client;
}

}  // namespace lcg::net
