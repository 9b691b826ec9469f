#include "gateway/session/session_config.h"

namespace lcg::gateway {

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

void read_ping(config::Section ping, SessionOptions& out) {
  ping.get("interval", out.ping_interval, Millis(0), hours(1));
  ping.get("pong_timeout", out.pong_timeout, Millis(100), hours(1));
  if (out.ping_interval.count() > 0 && out.pong_timeout >= out.ping_interval) {
    ping.error("pong_timeout", "must be shorter than ping.interval, so that a pong belongs to its ping");
  }
}

// `clients`: what one connection may do.
void read_clients(config::Section clients, SessionOptions& out) {
  clients.get("channels", out.channel_limit, 1, 4096);
  clients.get("channel_length", out.channel_max_length, 1, 1024);
  clients.get("commands_per_second", out.commands_per_second, 0, 1e6);
  clients.get("command_burst", out.command_burst, 1, 1e6);
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
