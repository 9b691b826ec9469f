#include "gateway/ws/extensions.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "gateway/ws/deflate.h"

namespace lcg::ws {
namespace {

struct Parameter {
  std::string_view name;
  std::optional<std::string> value;
};
struct Offer {
  std::string_view name;
  std::vector<Parameter> parameters;
};

// RFC 9110 5.6.2
bool token_character(char c) {
  if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) return true;
  return c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { skip_space(); }
  bool at_end() const { return text_.empty(); }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    skip_space();
    return true;
  }
  // "" when there is none.
  std::string_view token() {
    size_t size = 0;
    while (size < text_.size() && token_character(text_[size])) ++size;
    const std::string_view out = text_.substr(0, size);
    text_.remove_prefix(size);
    skip_space();
    return out;
  }
  // A token, plain or in quotes; "" when it is neither (RFC 6455 9.1).
  std::string value() {
    if (text_.empty() || text_.front() != '"') return std::string(token());
    std::string out;
    for (size_t i = 1; i < text_.size(); ++i) {
      if (text_[i] == '"') {
        text_.remove_prefix(i + 1);
        skip_space();
        return out;
      }
      if (text_[i] == '\\') ++i;
      if (i == text_.size() || !token_character(text_[i])) break;
      out += text_[i];
    }
    return "";
  }

 private:
  void skip_space() {
    const size_t first = text_.find_first_not_of(" \t");
    text_.remove_prefix(first == std::string_view::npos ? text_.size() : first);
  }
  std::string_view text_;
};

// Nothing: malformed.
std::optional<std::vector<Offer>> parse(std::string_view text) {
  std::vector<Offer> offers;
  Reader reader(text);
  while (!reader.at_end()) {
    if (reader.take(',')) continue;  // an empty element of a list (RFC 9110 5.6.1.2)
    Offer offer{reader.token(), {}};
    if (offer.name.empty()) return std::nullopt;
    while (reader.take(';')) {
      Parameter parameter{reader.token(), std::nullopt};
      if (parameter.name.empty()) return std::nullopt;
      if (reader.take('=')) {
        parameter.value = reader.value();
        if (parameter.value->empty()) return std::nullopt;
      }
      offer.parameters.push_back(std::move(parameter));
    }
    offers.push_back(std::move(offer));
    if (!reader.at_end() && !reader.take(',')) return std::nullopt;
  }
  return offers;
}

// RFC 7692 7.1.2: 8 to 15, without a leading zero. 0: it is not.
int window_bits(const std::optional<std::string>& value) {
  if (!value.has_value()) return 0;
  if (*value == "8" || *value == "9") return (*value)[0] - '0';
  const bool two = value->size() == 2 && (*value)[0] == '1' && (*value)[1] >= '0' && (*value)[1] <= '5';
  return two ? 10 + ((*value)[1] - '0') : 0;
}

// Nothing when the offer is declined.
ExtensionAnswer accept_deflate(const Offer& offer) {
  if (offer.name != "permessage-deflate") return {};
  int window = kDeflateWindowBits;
  bool server_window = false, client_window = false, server_takeover = false, client_takeover = false;
  const auto once = [](bool& seen) { return !std::exchange(seen, true); };
  for (const Parameter& parameter : offer.parameters) {
    bool served = false;
    if (parameter.name == "server_no_context_takeover") {
      served = once(server_takeover) && !parameter.value.has_value();
    } else if (parameter.name == "client_no_context_takeover") {
      served = once(client_takeover) && !parameter.value.has_value();
    } else if (parameter.name == "server_max_window_bits") {
      window = std::min(window_bits(parameter.value), kDeflateWindowBits);
      served = once(server_window) && window >= kLeastDeflateWindowBits;
    } else if (parameter.name == "client_max_window_bits") {
      served = once(client_window) && (!parameter.value.has_value() || window_bits(parameter.value) != 0);
    }
    if (!served) return {};
  }
  std::string answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  if (server_window) answer += "; server_max_window_bits=" + std::to_string(window);
  return {.malformed = false, .deflate = static_cast<uint8_t>(window), .header = std::move(answer)};
}

}  // namespace

ExtensionAnswer negotiate_extensions(std::string_view offers, bool deflate_enabled) {
  ExtensionAnswer answer;
  const std::optional<std::vector<Offer>> parsed = parse(offers);
  answer.malformed = !parsed.has_value();
  if (answer.malformed || !deflate_enabled) return answer;
  for (const Offer& offer : *parsed) {
    answer = accept_deflate(offer);
    if (answer.deflate != 0) break;
  }
  return answer;
}

}  // namespace lcg::ws
