#include "gateway/net/http_message.h"

#include <algorithm>
#include <ctime>

namespace lcg::net {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

std::optional<std::string> decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<uint8_t>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7F;
  });
}

// RFC 9110 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(int64_t wall_ms) {
  const std::time_t seconds = static_cast<std::time_t>(wall_ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char out[32];
  return {out, std::strftime(out, sizeof out, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view HttpRequest::header(std::string_view name) const {
  for (const HttpHeader& h : headers) {
    if (equal_ignoring_case(h.name, name)) return h.value;
  }
  return {};
}

size_t HttpRequest::count(std::string_view name) const {
  return static_cast<size_t>(std::count_if(headers.begin(), headers.end(), [&](const HttpHeader& h) {
    return equal_ignoring_case(h.name, name);
  }));
}

bool HttpRequest::has_token(std::string_view name, std::string_view token, bool exactly) const {
  for (const HttpHeader& h : headers) {
    if (!equal_ignoring_case(h.name, name)) continue;
    for (std::string_view rest = h.value; !rest.empty();) {
      const size_t comma = std::min(rest.find(','), rest.size());
      const std::string_view one = trim(rest.substr(0, comma));
      if (exactly ? one == token : equal_ignoring_case(one, token)) return true;
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  return false;
}

std::string_view HttpRequest::bearer_token() const {
  const std::string_view value = header("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  if (count("Authorization") != 1 || !equal_ignoring_case(value.substr(0, kScheme.size()), kScheme))
    return {};
  return trim(value.substr(kScheme.size()));
}

std::optional<std::string> HttpRequest::query_value(std::string_view key) const {
  for (std::string_view rest = query; !rest.empty();) {
    const size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (decode(pair.substr(0, equals)) == key) return decode(pair.substr(std::min(equals + 1, pair.size())));
  }
  return std::nullopt;
}

HttpResponse HttpResponse::text(unsigned status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::json(unsigned status, std::string body) {
  HttpResponse response = text(status, std::move(body));
  response.content_type = "application/json";
  return response;
}

HttpResponder::~HttpResponder() { send(HttpResponse::text(500, "the request was not answered\n")); }

void HttpResponder::send(HttpResponse response) {
  if (!sink_) return;
  Sink sink = std::exchange(sink_, nullptr);
  sink(std::move(response));
}

std::string_view status_text(unsigned status) {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

std::string serialize(const HttpResponse& response, bool head_only, bool keep_alive, int64_t wall_ms) {
  bool cache_control = false;
  bool forged = has_control_character(response.content_type);
  for (const HttpHeader& h : response.headers) {
    forged = forged || has_control_character(h.name) || has_control_character(h.value);
    cache_control = cache_control || equal_ignoring_case(h.name, "Cache-Control");
  }
  if (forged) {
    return serialize(HttpResponse::text(500, "a response header was not valid\n"), head_only, keep_alive,
                     wall_ms);
  }

  const bool switching = response.status == 101;
  std::string out = "HTTP/1.1 " + std::to_string(response.status) + " ";
  out.append(status_text(response.status)).append("\r\n");
  append_header(out, "Date", http_date(wall_ms));
  if (!switching) {
    if (!cache_control) append_header(out, "Cache-Control", "no-store");
    append_header(out, "X-Content-Type-Options", "nosniff");
    append_header(out, "Connection", keep_alive ? "keep-alive" : "close");
    if (response.stream) {
      append_header(out, "Content-Type", response.content_type);
      append_header(out, "Transfer-Encoding", "chunked");
    } else if (response.status != 204) {
      if (!response.body.empty()) append_header(out, "Content-Type", response.content_type);
      append_header(out, "Content-Length", std::to_string(response.body.size()));
    }
  }
  for (const HttpHeader& h : response.headers) append_header(out, h.name, h.value);
  out += "\r\n";
  if (!head_only && !switching && !response.stream && response.status != 204) out += response.body;
  return out;
}

}  // namespace lcg::net
