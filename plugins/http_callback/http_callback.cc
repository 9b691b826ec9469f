// SPDX-License-Identifier: Apache-2.0
// http_callback: asks the business's back end over HTTP what to do with a client, and tells it what happened.
// Settings: README.md; the contract: docs/callbacks.md.
#include "plugins/http_callback/http_callback.h"

#include "plugins/http_callback/http_client.h"

namespace lcg::http_callback {

class Plugin : public HttpCallback {
 public:
  explicit Plugin(Host host) : HttpCallback(host, HttpClient::shared()) {}
};

}  // namespace lcg::http_callback

LCG_PLUGIN_PROVIDES(lcg::http_callback::Plugin, "http_callback", "1.0.0", "Apache-2.0", "events")
