#include "gateway/session/session_config.h"

#include <algorithm>
#include <string>

namespace lcg::gateway {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Commands of a client that comes back, besides its subscriptions, that are not over a limit.
constexpr uint32_t kBeyondSubscriptions = 512;

void read_ping(config::Section ping, SessionOptions& out) {
  ping.get("interval", out.ping_interval, Millis(0), hours(1));
  ping.get("pong_timeout", out.pong_timeout, Millis(100), hours(1));
  if (out.ping_interval.count() > 0 && out.pong_timeout >= out.ping_interval) {
    ping.error("pong_timeout", "must be shorter than ping.interval, so that a pong belongs to its ping");
  }
}

// {publish: {per_second: 10, burst: 20}, ...}; `all` is every command together.
void read_rates(config::Section scope, bool with_all, RateTable& out) {
  const auto read = [&](std::string_view name, RateLimit& limit) {
    config::Section section = scope.section(name);
    if (!section.exists()) return;
    section.require("per_second");
    section.get("per_second", limit.per_second, 0, 1e6);
    limit.burst = std::max(limit.per_second, 1.0);
    section.get("burst", limit.burst, 1, 1e6);
  };
  if (with_all) read("all", out.all);
  for (size_t i = 0; i < kMethods; ++i) {
    const std::string_view name = operation_name(static_cast<protocol::Method>(i));
    if (!name.empty()) read(name, out.operations[i]);
  }
}

void read_headers(config::Section clients, std::string_view key, std::vector<std::string>& out) {
  clients.get(key, out);
  for (size_t i = 0; i < out.size(); ++i) {
    for (char& c : out[i]) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
      const bool token = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
      if (!token) {
        clients.error(key, i, "expected the name of an HTTP header");
        return;
      }
    }
  }
}

// `clients`: what one connection may do.
void read_clients(config::Section clients, SessionOptions& out) {
  clients.get("channels", out.channel_limit, 1, protocol::kMostChannelsPerClient);
  clients.get("channel_length", out.channel_max_length, 1, protocol::kMaxChannelBytes);
  // A client that comes back subscribes to all it had at once, and is not refused for it, nor closed for the refusals.
  const double all_at_once = out.channel_limit + kBeyondSubscriptions;
  out.connection_rates.all.burst = std::max(protocol::kCommandBurst, all_at_once);
  out.errors.burst = std::max(out.errors.burst, all_at_once);
  clients.get("commands_per_second", out.connection_rates.all.per_second, 0, 1e6);
  clients.get("command_burst", out.connection_rates.all.burst, 1, 1e6);
  size_t answer_bytes = protocol::kAnswerBytesPerSecond, answer_burst = protocol::kAnswerBurstBytes;
  clients.get_size("answer_bytes_per_second", answer_bytes, 0, 1u << 30);
  clients.get_size("answer_burst", answer_burst, 1024, 1u << 30);
  out.answers = {.per_second = static_cast<double>(answer_bytes), .burst = static_cast<double>(answer_burst)};
  config::Section rates = clients.section("rate_limits");
  read_rates(rates.section("connection"), false, out.connection_rates);
  read_rates(rates.section("user"), true, out.user_rates);
  read_rates(rates.section("address"), true, out.address_rates);
  clients.get("errors_per_second", out.errors.per_second, 0, 1e6);
  clients.get("error_burst", out.errors.burst, 1, 1e6);
  read_headers(clients, "headers", out.headers);
  read_headers(clients, "emulated_headers", out.emulated_headers);
  clients.get("connect_time", out.connect_time);
  clients.get("messages_per_frame", out.messages_per_frame, 1, 1024);
  clients.get("position_check", out.position_check, Millis(0), hours(1));
  clients.get("stale_timeout", out.stale_timeout, seconds(1), minutes(10));
  clients.get("expired_grace", out.expired_grace, Millis(0), minutes(10));
  clients.get("token_cache_entries", out.token_cache_entries, 0, 1u << 20);
  clients.get("token_cache_ttl", out.token_cache_ttl, Millis(0), minutes(10));
}

}  // namespace

void read_session_options(config::Section gateway, SessionOptions& out) {
  read_ping(gateway.section("ping"), out);
  read_clients(gateway.section("clients"), out);
}

}  // namespace lcg::gateway
