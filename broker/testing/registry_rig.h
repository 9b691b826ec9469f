// The registry of one lane, as its requests and answers.
#pragma once
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/registry/registry.h"
#include "broker/testing/lane_rig.h"

namespace lcg::broker {

class RegistryTest : public testing::Test {
 protected:
  static BrokerConfig make_config() {
    BrokerConfig config;
    config.registry.sessions_per_user = 3;
    return config;
  }
  static BindSession request(std::string user, std::string device, std::string session,
                             std::optional<uint64_t> claimed = std::nullopt) {
    auto peer = std::make_shared<Peer>();
    peer->user = std::move(user);
    peer->device = std::move(device);
    peer->session = std::move(session);
    peer->auth = "login-of-" + peer->device;
    return {peer, claimed, "js", "5.5.3", {}};
  }
  BindSessionResponse bind(BindSession what) { return rig_.get(std::move(what)); }
  std::vector<std::string> closed() {
    std::vector<std::string> out;
    for (const DeliverDisconnect& d : rig_.delivered<DeliverDisconnect>())
      if (d.unless_heard.count() == 0) out.push_back(d.session + " " + std::to_string(d.disconnect.code));
    return out;
  }
  std::vector<std::string> sessions(std::string user) {
    return rig_.get(Inspect{Inspect::What::kSessions, std::move(user), 100}).rows;
  }

  LaneRig rig_{make_config()};
};

}  // namespace lcg::broker
