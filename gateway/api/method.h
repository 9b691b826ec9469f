// The methods of the server API: a table of names, the params each takes and the function that runs it.
// Source: client-protocol 4. docs/openapi.yaml is checked against this table (tests/docs).
//
//   channel  publish broadcast subscribe unsubscribe presence presence_stats history history_remove
//   wide     disconnect refresh sessions user_status block_user unblock_user revoke channels info rpc
//
// `connections`, `get_user_status`, `revoke_token` and `invalidate_user_tokens` are names of the same code.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/function.h"
#include "broker/api/bus.h"
#include "gateway/api/config.h"
#include "gateway/api/params.h"
#include "gateway/session/channel_routes.h"

namespace lcg::gateway::api {

// What `info` tells of this node.
struct NodeFacts {
  std::string uid, name, version;
  MonoTime started;
  // Gives the metrics in Prometheus' text format, once, on the asking lane; may be empty.
  std::function<void(UniqueFunction<void(std::string)>)> metrics;
};

// What the methods work with. Lane: its own; outlives every call.
struct Context {
  Lane& lane;
  Bus& bus;
  const ApiConfig& config;
  const ChannelRoutes routes;
  const NodeFacts node;
};

// The result object as JSON text, or an error.
struct Answer {
  Error error;
  std::string result = "{}";
};
using AnswerFn = UniqueFunction<void(Answer)>;

struct Call;
using CallPtr = std::unique_ptr<Call>;

// May a restricted key call it: those of kChannel for its own channels, those of kWide only when it lists them.
enum class Reach : uint8_t { kChannel, kWide };

struct Method {
  std::string_view name;
  Reach reach;
  std::span<const Param> params;
  void (*run)(CallPtr call);
};

// In the order of client-protocol 4; batch is not among them (batch.h).
std::span<const Method> methods();
// Nullptr: there is none.
const Method* find_method(std::string_view name);

// One command under way. Whoever holds it answers it, once; nothing is left of it then.
struct Call {
  Context& context;
  const Method& method;
  const KeyConfig* key;  // null: no key is asked for
  std::string remote;    // of the HTTP request
  Params params;
  AnswerFn done;

  void succeed(std::string result = "{}") { done({{}, std::move(result)}); }
  // "channel: <text>"
  void fail(uint32_t code, std::string_view field, std::string_view text) {
    done({{code, say(field, text), false}, {}});
  }
  // What the broker says, in its own words, which client libraries compare: "unknown channel". A refusal that would
  // close a connection is an internal error here: there is none.
  void refuse(const Outcome& outcome) { done({refusal(outcome), {}}); }

  static Error refusal(const Outcome& outcome);
  static std::string say(std::string_view field, std::string_view text);
  // Does the key see this channel?
  bool sees(std::string_view channel) const;
};

// The namespace of a channel, "" for one without: of "$chat:room#1" "chat". Source: client-protocol 1.12.
std::string_view namespace_of(std::string_view channel);

// The functions of the table, one file a group.
void publish(CallPtr call);
void broadcast(CallPtr call);
void subscribe(CallPtr call);
void unsubscribe(CallPtr call);
void presence(CallPtr call);
void presence_stats(CallPtr call);
void history(CallPtr call);
void history_remove(CallPtr call);
void channels(CallPtr call);
void disconnect(CallPtr call);
void refresh(CallPtr call);
void sessions(CallPtr call);
void user_status(CallPtr call);
void block_user(CallPtr call);
void unblock_user(CallPtr call);
void revoke(CallPtr call);
void info(CallPtr call);
void rpc(CallPtr call);

}  // namespace lcg::gateway::api
