// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/settings.h"

#include <curl/curl.h>

#include <algorithm>

#include "lcg/trusted_path.hpp"
#include "plugins/http_callback/headers.h"

namespace lcg::http_callback {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

void check_endpoint(const std::string& key, const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  char *scheme = nullptr, *user = nullptr, *fragment = nullptr;
  bool good = curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) == CURLUE_OK &&
              curl_url_get(parsed.get(), CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK;
  good = good && (std::string_view(scheme) == "http" || std::string_view(scheme) == "https");
  good = good && curl_url_get(parsed.get(), CURLUPART_USER, &user, 0) != CURLUE_OK;
  good = good && curl_url_get(parsed.get(), CURLUPART_FRAGMENT, &fragment, 0) != CURLUE_OK;
  curl_free(scheme);
  curl_free(user);
  curl_free(fragment);
  if (!good) throw ConfigError(key, "a URL like https://host:port/path, without a user", url);
}

std::vector<std::string> header_names(const Host& host, const std::string& key) {
  std::vector<std::string> names = host.config_list(key);
  if (names.size() > static_cast<size_t>(kMaxHeaders))
    throw ConfigError(key, "at most 64 names", std::to_string(names.size()));
  for (std::string& name : names) {
    if (!is_header_name(name) || is_our_header(name))
      throw ConfigError(key, "the name of a header to forward", name);
    name = lower(name);
  }
  return names;
}

void read_static_headers(const Host& host, const std::string& key, BackEndSettings& out) {
  for (const std::string& line : host.config_list(key)) {
    const size_t colon = line.find(':');
    std::string name = line.substr(0, colon);
    std::string value = colon == std::string::npos ? "" : line.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    if (colon == std::string::npos || !is_header_name(name) || is_our_header(name) || !is_header_value(value))
      throw ConfigError(key, "\"Name: value\"", line);
    out.static_headers.emplace_back(lower(name), std::move(value));
  }
}

void read_transforms(const Host& host, const std::string& key, BackEndSettings& out) {
  const int64_t count = host.config_int(key + ".#", 0, 0, kMaxTransforms);
  for (int64_t i = 0; i < count; ++i) {
    const std::string at = key + "." + std::to_string(i) + ".";
    StatusTransform t;
    t.status = static_cast<long>(host.config_int(at + "status_code", 0, 100, 599));
    t.error_code = static_cast<uint32_t>(host.config_int(at + "to_error.code", 0, 0, 1999));
    t.temporary = host.config_bool(at + "to_error.temporary", false);
    t.disconnect_code = static_cast<uint32_t>(host.config_int(at + "to_disconnect.code", 0, 0, 4999));
    t.text = t.error_code != 0 ? host.config(at + "to_error.message", "")
                               : host.config(at + "to_disconnect.reason", "");
    if ((t.error_code == 0) == (t.disconnect_code == 0))
      throw ConfigError(at + "to_error.code: give to_error.code or to_disconnect.code, one of them");
    out.transforms.push_back(std::move(t));
  }
}

void read_addresses(const Host& host, const std::string& key, bool allow, net::AddressPolicy& out) {
  const std::vector<std::string> rules = host.config_list(key);
  if (rules.size() > static_cast<size_t>(kMaxAddressRules))
    throw ConfigError(key, "at most 256 rules", std::to_string(rules.size()));
  for (const std::string& rule : rules)
    if (!out.add(rule, allow)) throw ConfigError(key, net::AddressPolicy::kRuleText, rule);
}

// A file that others could exchange is refused; one that is not there is told by the first callback.
std::string read_file_name(const Host& host, const std::string& key) {
  std::string path = host.config(key, "");
  if (path.empty()) return path;
  const TrustedPath trusted = trusted_file(path);
  if (!trusted.ok() && trusted.error == 0) throw ConfigError(key + ": " + trusted.why);
  return path;
}

BackEndSettings read_back_end(const Host& host, const std::string& at, const net::AddressPolicy& addresses) {
  BackEndSettings b;
  auto origin = std::make_shared<Origin>();
  b.name = host.config_required(at + "name");
  b.endpoint = host.config_required(at + "endpoint");
  check_endpoint(at + "endpoint", b.endpoint);
  b.timeout = host.config_duration(at + "timeout", 1s, 10ms, 60s);
  b.http_headers = header_names(host, at + "http_headers");
  read_static_headers(host, at + "static_headers", b);
  b.include_connection_meta = host.config_bool(at + "include_connection_meta", false);
  b.binary_encoding = host.config_bool(at + "binary_encoding", false);
  read_transforms(host, at + "status_to_code_transforms", b);
  b.retries = static_cast<uint32_t>(host.config_int(at + "retries", 1, 0, 10));
  b.breaker.failures = static_cast<uint32_t>(host.config_int(at + "breaker.failures", 5, 0, 1'000'000));
  const milliseconds open_for = host.config_duration(at + "breaker.open_for", 5s, 10ms, 1h);
  b.breaker.open_for_ns = std::chrono::nanoseconds(open_for).count();
  origin->name = b.name;
  origin->max_connections = static_cast<uint32_t>(host.config_int(at + "max_connections", 8, 1, 1024));
  origin->max_queue = static_cast<uint32_t>(host.config_int(at + "max_queue", 1024, 1, 100'000));
  origin->ca = read_file_name(host, at + "tls.ca");
  origin->cert = read_file_name(host, at + "tls.cert");
  origin->key = read_file_name(host, at + "tls.key");
  origin->server_name = host.config(at + "tls.server_name", "");
  origin->addresses = addresses;
  if (origin->cert.empty() != origin->key.empty())
    throw ConfigError(at + "tls: cert and key belong together");
  b.origin = std::move(origin);
  return b;
}

EventSettings read_events(const Host& host) {
  EventSettings e;
  e.back_end = host.config("events.backend", "");
  e.timeout = host.config_duration("events.timeout", e.timeout, 100ms, 5min);
  e.batch = static_cast<uint32_t>(host.config_int("events.batch", 100, 1, 500));
  e.linger = host.config_duration("events.linger", e.linger, 0ms, 10s);
  e.parallel = static_cast<uint32_t>(host.config_int("events.parallel", 4, 1, 64));
  e.retain_events = static_cast<uint64_t>(host.config_int("events.retain_events", 20'000, 100, 100'000'000));
  e.retain_time = host.config_duration("events.retain_time", e.retain_time, 1min);
  e.retry_min = host.config_duration("events.retry_min", e.retry_min, 10ms, 1h);
  e.retry_max = host.config_duration("events.retry_max", e.retry_max, e.retry_min, 24h);
  e.rest = host.config_duration("events.rest", e.rest, 100ms, 1h);
  return e;
}

void check_name(const Settings& s, const std::string& key, const std::string& name) {
  if (!name.empty() && s.find(name) == nullptr) throw ConfigError(key, "the name of one of backends", name);
}

}  // namespace

const BackEndSettings* Settings::find(const std::string& name) const {
  const auto it =
      std::find_if(back_ends.begin(), back_ends.end(), [&](const auto& b) { return b.name == name; });
  return it == back_ends.end() ? nullptr : &*it;
}

Settings Settings::from(const Host& host) {
  Settings s;
  net::AddressPolicy addresses;
  read_addresses(host, "addresses.allow", true, addresses);
  read_addresses(host, "addresses.deny", false, addresses);
  const int64_t count = host.config_int("backends.#", 0, 0, kMaxBackEnds);
  for (int64_t i = 0; i < count; ++i) {
    const std::string at = "backends." + std::to_string(i) + ".";
    BackEndSettings b = read_back_end(host, at, addresses);
    if (s.find(b.name) != nullptr) throw ConfigError(at + "name", "a name of its own", b.name);
    s.back_ends.push_back(std::move(b));
  }
  s.connect = host.config("connect", "");
  s.refresh = host.config("refresh", "");
  s.before_commit = host.config("before_commit", "");
  s.rpc.without_namespace = host.config("rpc.without_namespace", "");
  const int64_t namespaces = host.config_int("rpc.namespaces.#", 0, 0, kMaxRpcNamespaces);
  for (int64_t i = 0; i < namespaces; ++i) {
    const std::string at = "rpc.namespaces." + std::to_string(i) + ".";
    std::string name = host.config_required(at + "name");
    std::string back_end = host.config(at + "backend", "");
    check_name(s, at + "backend", back_end);
    s.rpc.namespaces.insert_or_assign(std::move(name), std::move(back_end));
  }
  s.rpc.configured = namespaces > 0 || !s.rpc.without_namespace.empty();
  s.events = read_events(host);
  check_name(s, "connect", s.connect);
  check_name(s, "refresh", s.refresh);
  check_name(s, "before_commit", s.before_commit);
  check_name(s, "rpc.without_namespace", s.rpc.without_namespace);
  check_name(s, "events.backend", s.events.back_end);
  return s;
}

}  // namespace lcg::http_callback
