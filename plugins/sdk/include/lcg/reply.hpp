// SPDX-License-Identifier: Apache-2.0
// reply.hpp: the values a plugin exchanges with the host, each owning its bytes.
//
// The structs of lcg_plugin.h borrow and die when the callback returns; a coroutine does not. So everything
// that crosses is copied once, into these. Field meanings and limits are those of the C struct of the same
// name.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/lcg_plugin.h"

namespace lcg {

inline lcg_str str(std::string_view s) noexcept { return {s.data(), s.size()}; }
inline lcg_bytes bytes(std::string_view s) noexcept {
  return {reinterpret_cast<const uint8_t*>(s.data()), s.size()};
}
inline std::string_view view(lcg_str s) noexcept {
  return s.size ? std::string_view(s.data, s.size) : std::string_view();
}
inline std::string_view view(lcg_bytes b) noexcept {
  return b.size ? std::string_view(reinterpret_cast<const char*>(b.data), b.size) : std::string_view();
}
inline std::string copy(lcg_str s) { return std::string(view(s)); }
inline std::string copy(lcg_bytes b) { return std::string(view(b)); }

// The answer to a request or a call; also what Host::publish and Host::call resolve to.
struct Reply {
  lcg_status status = LCG_OK;
  uint32_t error_code = 0;       // HTTP: the status code, 0 means 200
  uint32_t disconnect_code = 0;  // 3001..3014, 3500..3509, 4000..4999; 0 keeps the connection
  std::string message;           // shown to people, at most 123 bytes; never a secret
  std::string data;
  std::string user_id, auth_id, info;  // connect; info also subscribe: a JSON value
  int64_t expire_at_ms = 0;            // Unix ms, 0 never
  std::vector<std::string> channels;   // connect: server-side subscriptions
  std::string content_type;            // HTTP; empty is application/json
  std::string meta;                    // connect, refresh: JSON, never told to a client
  std::string options;                 // connect, subscribe, publish: a JSON object, see docs/plugins.md
  uint64_t flags = 0;                  // LCG_RESULT_*

  bool ok() const noexcept { return status == LCG_OK; }

  // Reply{}, and what with() makes, is an answer to an rpc, to HTTP and to a call. To a request to be let in (connect,
  // refresh, subscribe, sub_refresh, publish) it is no objection and no grant: whoever is asked next decides, at last
  // the configuration. With data, a publish goes on with that data.
  static Reply with(std::string data) {
    Reply reply;
    reply.data = std::move(data);
    return reply;
  }
  // Lets in, whatever the configuration says: nobody else is asked.
  static Reply grant() {
    Reply reply;
    reply.flags = LCG_RESULT_GRANT;
    return reply;
  }
  // Accepts a connect as this user.
  static Reply user(std::string user_id) {
    Reply reply = grant();
    reply.user_id = std::move(user_id);
    return reply;
  }
  // Refuses. `error_code` 0 lets the host derive the client's code from the status.
  static Reply error(lcg_status status, std::string message = {}, uint32_t error_code = 0) {
    Reply reply;
    reply.status = status;
    reply.error_code = error_code;
    reply.message = std::move(message);
    return reply;
  }
  // Not ours: the next plugin of the chain is asked. What else such a reply holds is ignored.
  static Reply defer() { return error(LCG_DEFER); }
  // Refuses and closes the connection with this code.
  static Reply close(uint32_t disconnect_code, std::string message) {
    Reply reply = error(LCG_E_DENIED, std::move(message));
    reply.disconnect_code = disconnect_code;
    return reply;
  }
  static Reply http(uint32_t http_status, std::string body, std::string content_type = {}) {
    Reply reply = with(std::move(body));
    reply.error_code = http_status;
    reply.content_type = std::move(content_type);
    return reply;
  }
};

// A status with a typed value; `value` is meaningful when status is LCG_OK.
template <class T>
struct Outcome {
  lcg_status status = LCG_OK;
  std::string message;
  T value{};

  bool ok() const noexcept { return status == LCG_OK; }
};

// A call of another plugin's service. The host routes it to the owner of `key`'s slot; "@<n>" names slot n.
struct Call {
  std::string service, method, key, data;
  uint32_t timeout_ms = 0;  // 0: the configured default

  // A constructor rather than an aggregate: g++ 12 destroys an aggregate written inside a co_await twice.
  Call(std::string to, std::string what, std::string partition, std::string input, uint32_t timeout = 0)
      : service(std::move(to)),
        method(std::move(what)),
        key(std::move(partition)),
        data(std::move(input)),
        timeout_ms(timeout) {}
};

struct Publication {
  std::string channel;
  std::string data;                 // a JSON value
  std::string user_id, session_id;  // the publisher; empty: none
  uint32_t flags = 0;               // LCG_PUB_*
  uint64_t offset = 0;              // with LCG_PUB_POSITIONED
  std::string epoch;
  std::string options;  // a JSON object: tags, idempotency_key, version, version_epoch, delta

  Publication() = default;
  Publication(std::string to, std::string payload) : channel(std::move(to)), data(std::move(payload)) {}
};

// Closes every live session that matches all the non-empty fields; at least one must be set.
struct Disconnect {
  uint32_t code = 0;
  std::string reason;
  std::string session_id, user_id, device_id, auth_id;
};

// Who asks.
struct Peer {
  std::string session_id, user_id, device_id;
  uint64_t device_epoch = 0;
  std::string auth_id, remote_addr;
  uint32_t flags = 0;                       // LCG_PEER_*
  std::string transport, protocol;          // "websocket", ...; "json" or "protobuf"
  std::string client_name, client_version;  // connect: what the client says it is
  std::string meta;                         // JSON, as the answer to connect or refresh set it
  std::string headers;                      // JSON object: the HTTP headers that are let through
};

namespace detail {
// Set when the host says the answer is no longer needed. Shared, because a request may outlive its handler.
using CancelFlag = std::shared_ptr<bool>;
}  // namespace detail

// One client request.
struct Request : Peer {
  uint32_t kind = 0;  // LCG_REQ_*
  lcg_token token = 0;
  int64_t deadline_ns = 0;  // on Host::now_ns; the host answers TIMEOUT itself after it
  std::string name;         // channel; rpc method; "POST /oauth/token"
  std::string data;
  std::string credential;
  std::string route;     // subscribe, publish, sub_refresh: the namespace's back end by name, or ""
  std::string channels;  // connect: JSON array of what the client names

  // The client is gone or the deadline has passed: an answer is allowed but nobody reads it.
  bool cancelled() const noexcept { return cancel_flag && *cancel_flag; }
  detail::CancelFlag cancel_flag;
};

// One call of a service this plugin provides.
struct ServiceCall {
  std::string service, method, key, data;
  lcg_token token = 0;
  int64_t deadline_ns = 0;
  uint32_t slot = 0;   // of key
  uint64_t term = 0;   // fencing term under which this instance owns slot
  std::string caller;  // plugin name, "host", or "api": the server API

  bool cancelled() const noexcept { return cancel_flag && *cancel_flag; }
  detail::CancelFlag cancel_flag;
};

// What happened to a session or a channel: ext/events.h.
struct ClientEvent {
  uint32_t kind = 0;    // LCG_EVENT_*
  lcg_token token = 0;  // 0: nobody waits for the answer
  int64_t time_ms = 0;  // Unix ms
  Peer peer;            // empty for occupied and vacated
  std::string channel;  // empty for connect and disconnect
  uint32_t code = 0;    // disconnect, unsubscribe
  std::string reason;
  uint32_t slot = 0;  // of the user, or of the channel
  uint64_t term = 0;  // fencing term under which this lane owns slot

  bool cancelled() const noexcept { return cancel_flag && *cancel_flag; }
  detail::CancelFlag cancel_flag;
};

// What is about to be kept: ext/before_commit.h.
struct Commit {
  uint32_t kind = 0;  // LCG_COMMIT_*
  lcg_token token = 0;
  int64_t deadline_ns = 0;  // on Host::now_ns
  Peer peer;                // user, device, device_epoch, session
  std::string channel;      // "dialog:team"
  std::string type;         // "text", ...
  std::string data;         // what is said: a JSON value
  uint64_t target = 0;      // edit, react: a message id
  uint64_t cseq = 0;        // the device's number of it; 0: none
  uint32_t max_bytes = 0;   // a replacement of data is at most this long

  bool cancelled() const noexcept { return cancel_flag && *cancel_flag; }
  detail::CancelFlag cancel_flag;
};

}  // namespace lcg
