// SPDX-License-Identifier: Apache-2.0
// The settings of the http_callback plugin, read and checked in its constructor. README.md says what each means.
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lcg/host.hpp"
#include "plugins/http_callback/breaker.h"
#include "plugins/http_callback/http.h"

namespace lcg::http_callback {

inline constexpr int64_t kMaxBackEnds = 64, kMaxHeaders = 64, kMaxTransforms = 64, kMaxRpcNamespaces = 256,
                         kMaxAddressRules = 256;

// What a status other than 200 comes to (client-protocol 3).
struct StatusTransform {
  long status = 0;
  uint32_t error_code = 0;  // to_error, when not 0
  bool temporary = false;
  uint32_t disconnect_code = 0;  // to_disconnect, when not 0
  std::string text;
};

struct BackEndSettings {
  std::string name, endpoint;
  std::chrono::milliseconds timeout{1000};  // of one callback, retries included
  std::vector<std::string> http_headers;    // lower case: forwarded of what the client sent
  std::vector<std::pair<std::string, std::string>> static_headers;
  bool include_connection_meta = false;
  bool binary_encoding = false;
  std::vector<StatusTransform> transforms;
  uint32_t retries = 1;
  Breaker::Rule breaker;
  std::shared_ptr<const Origin> origin;
};

struct RpcRoutes {
  bool configured = false;
  std::string without_namespace;                  // back end, or "": those methods are not ours
  std::map<std::string, std::string> namespaces;  // back end, or "": not enabled (108)
};

struct EventSettings {
  std::string back_end;                     // "": no events
  std::chrono::milliseconds timeout{5000};  // of one request
  uint32_t batch = 100;                     // events of one request
  std::chrono::milliseconds linger{10};     // a batch waits this long for more
  uint32_t parallel = 4;                    // requests under way, per lane
  uint64_t retain_events = 20'000;          // not delivered, per slot
  std::chrono::milliseconds retain_time = std::chrono::hours(24 * 7);
  std::chrono::milliseconds retry_min{200}, retry_max{30'000};
  std::chrono::milliseconds rest{5'000};  // a dialog without news for this long is put to rest
};

struct Settings {
  std::vector<BackEndSettings> back_ends;
  std::string connect, refresh, before_commit;  // back ends, or ""
  RpcRoutes rpc;
  EventSettings events;

  // Throws ConfigError.
  static Settings from(const Host& host);
  const BackEndSettings* find(const std::string& name) const;
};

}  // namespace lcg::http_callback
