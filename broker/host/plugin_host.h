// PluginHost: the plugins as one broker lane sees them.
//
// Owned by PluginSet (plugin_set.h), which loads the .so files once a process and puts an instance on every
// lane (`instances: per_lane`) or on one; BrokerLane refers to the host of its lane. Used on that lane only.
// A call to a service whose plugin has one instance goes to that instance's lane (serve it there whoever owns
// the slot); with an instance on every lane it goes to the owner of the key's slot.
//
// Events (lcg/ext/events.h) are told on the lane that owns the slot of their key, to every plugin that asked for
// their kind; nothing of them is kept here.
//
// Containment: whatever a plugin does with its tokens, deadlines are the host's, a second reply is
// LCG_E_STALE and a counter, a plugin that is late or down means "denied" to a chain and LCG_E_TIMEOUT or
// LCG_E_UNAVAILABLE to a call.
#pragma once
#include <string>
#include <vector>

#include "base/function.h"
#include "base/lane.h"
#include "broker/api/requests.h"
#include "lcg/ext/events.h"
#include "lcg/lcg_plugin.h"

namespace lcg::host {

// One question to the chain of plugins, in YAML order. kind is LCG_REQ_*.
struct ChainRequest {
  uint32_t kind = 0;
  PeerPtr peer;
  std::string name;  // channel, method, "POST /path"
  std::string credential;
  SharedBytes data;
  std::string route;     // subscribe, publish, sub_refresh: the namespace's back end, or ""
  SharedBytes channels;  // connect: JSON array of strings, what the client names
  std::string client_name, client_version;  // connect: what the client says it is
};

// The first answer that is not LCG_DEFER; LCG_OK lets in. All deferred, or had no objection: status LCG_DEFER (the
// caller decides what that means: denied for connect, the namespace's own options for subscribe and publish, 104 or
// 108 for rpc, 404 for HTTP). A publish then has the data and options, if any, that those without an objection put in
// the place of the client's.
struct ChainResult {
  lcg_status status = LCG_DEFER;
  uint32_t error_code = 0, disconnect_code = 0;
  std::string message, user, auth, content_type;
  SharedBytes data, info;
  int64_t expire_at_ms = 0;
  std::vector<std::string> channels;
  SharedBytes meta;     // connect, refresh: JSON as the plugin gave it, not checked
  SharedBytes options;  // connect, subscribe, publish: likewise; broker/plugin_options.h reads it
  uint64_t flags = 0;   // LCG_RESULT_*

  bool expired() const { return (flags & LCG_RESULT_EXPIRED) != 0; }
  bool server_refresh() const { return (flags & LCG_RESULT_SERVER_REFRESH) != 0; }
  bool temporary() const { return (flags & LCG_RESULT_TEMPORARY) != 0; }
};

// Something that happened to a session or a channel. kind is LCG_EVENT_*.
struct EventRequest {
  uint32_t kind = 0;
  uint32_t slot = 0;                        // of the user (connect, disconnect), else of the channel
  PeerPtr peer;                             // null for occupied and vacated
  std::string channel;                      // "" for connect and disconnect
  uint32_t code = 0;                        // disconnect, unsubscribe
  std::string reason;                       // likewise
  std::string client_name, client_version;  // connect
};

// Does the broker wait until the plugins have taken an event of this kind?
constexpr bool event_waits(uint32_t kind) {
  return kind == LCG_EVENT_CONNECT || kind == LCG_EVENT_SUBSCRIBE || kind == LCG_EVENT_OCCUPIED;
}

using ChainFn = UniqueFunction<void(ChainResult)>;
using CallFn = UniqueFunction<void(ServiceCallResponse)>;
using EventFn = UniqueFunction<void(bool taken)>;

class PluginHost {
 public:
  virtual ~PluginHost() = default;

  // `done` runs exactly once on this lane, possibly before run_chain returns (a plugin that answers at once).
  virtual void run_chain(ChainRequest request, Millis timeout, ChainFn done) = 0;
  // False: no plugin here wants this kind, so run_chain would only defer.
  virtual bool wants(uint32_t kind) const = 0;
  // Does a plugin number messages by device? It provides the service "message", or says so by providing "devices".
  virtual bool uses_devices() const = 0;

  // From the broker itself (registry, leases, provided channels): routed as a plugin's own host->call.
  // `done` never runs before call returns.
  virtual void call(ServiceCall call, Millis timeout, CallFn done) = 0;
  // A call that the bus brought to this lane: of another lane's plugin, or of a gateway (Target::slot of the key,
  // caller "api"). `slot` and `term` are of call.key.
  virtual void serve(ServiceCall call, uint32_t slot, uint64_t term, CallFn done) = 0;

  virtual void slot_changed(uint32_t slot, uint64_t term, bool owned) = 0;
  virtual void disconnected(const PeerPtr& peer, uint32_t code) = 0;

  // False: nobody wants events of this kind, so that one need not be made.
  virtual bool wants_event(uint32_t kind) const = 0;
  // REQUIRES: the lane owns event.slot. `done` runs exactly once on this lane. With event_waits(kind): when every
  // plugin that wants the kind has answered; false if one failed, or was not there or not in time (kEventTimeout),
  // and the command that caused the event then fails with error 100. Of other kinds, or when nobody wants it:
  // done(true) before event returns.
  virtual void event(EventRequest event, EventFn done) = 0;
};

}  // namespace lcg::host
