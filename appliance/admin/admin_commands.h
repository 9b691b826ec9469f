// What the operator can ask over the admin socket. One place that knows the commands; each asks the broker's
// lanes over the bus, or a plugin's service, and gives the answer as JSON.
//
//   {"command":"status"}                                   version, uptime, lanes, sessions
//   {"command":"sessions"|"channels","filter":"al","limit":100}   {"rows":[...],"more":false}
//   {"command":"slots"}
//   {"command":"explain","id":"123"}                       the life of one message
//   {"command":"token_create","user":"alice","ttl_ms":n}   {"access_token":...}
//   {"command":"token_inspect","token":"..."}
//   {"command":"revoke","user":"alice","auth":""}          every login of the user, or one
//   {"command":"disconnect","user":"alice","session":""}
//
// Lane: the admin socket's. Outlives every answer that is under way.
#pragma once
#include <functional>
#include <string>

#include "base/function.h"
#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/host/plugin_host.h"

namespace lcg::admin {

using Answer = UniqueFunction<void(std::string)>;

class AdminCommands {
 public:
  struct Facts {  // what "status" says beside what the lanes say
    std::string version;
    unsigned lanes = 0;
    MonoTime started;
    std::function<void(UniqueFunction<void(size_t)>)>
        sessions;  // open now, over all lanes; answers on the lane
  };

  AdminCommands(Lane& lane, Bus& bus, host::PluginHost& host, Facts facts)
      : lane_(lane), bus_(bus), host_(host), facts_(std::move(facts)) {}

  // `request` is a JSON object; `answer` gets {"result":...} or {"error":"..."} once.
  void run(std::string_view request, Answer answer);

 private:
  struct Args;
  void status(Answer answer);
  void inspect(Inspect::What what, const Args& args, Answer answer);
  void explain(const Args& args, Answer answer);
  void token_create(const Args& args, Answer answer);
  void token_inspect(const Args& args, Answer answer);
  void revoke(const Args& args, Answer answer);
  void disconnect(const Args& args, Answer answer);
  void keys(std::string method, Answer answer);
  void call(std::string service, std::string method, std::string key, std::string data,
            UniqueFunction<std::string(const ServiceCallResponse&)> to_json, Answer answer);

  Lane& lane_;
  Bus& bus_;
  host::PluginHost& host_;
  const Facts facts_;
};

}  // namespace lcg::admin
