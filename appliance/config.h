// AppConfig: the whole configuration file of the appliance. Each room reads its own section; this is the
// table of contents, and the only place that knows all of them.
#pragma once
#include <string>
#include <vector>

#include "base/config.h"
#include "base/log.h"
#include "broker/config.h"
#include "gateway/api/config.h"
#include "gateway/config.h"

namespace lcg {

struct AppConfig {
  unsigned lanes = 0;  // 0: one a core the process may use
  bool pin_lanes = false;
  log::Level log_level = log::Level::kInfo;
  log::Format log_format = log::Format::kLogfmt;
  std::string admin_socket;  // "": none
  unsigned pool_threads = 2;
  gateway::GatewayConfig gateway;
  gateway::api::ApiConfig api;
  broker::BrokerConfig broker;

  // Errors are left in the document; call ok() on it afterwards. A relative directory of plugins is tried
  // from the working directory and from the folder of the program: a build tree and an installed package both
  // work.
  static AppConfig read(config::Document& document);
};

inline constexpr unsigned kMaxLanes = 64;

}  // namespace lcg
