// The keys of the configuration's section `gateway` that sessions read: `ping` and `clients`.
#pragma once
#include "base/config.h"
#include "gateway/session/session_options.h"

namespace lcg::gateway {

// Every key is optional; what is wrong is reported by the section. Before any lane runs.
void read_session_options(config::Section gateway, SessionOptions& out);

}  // namespace lcg::gateway
