// The `channel` section of the configuration: the options of every namespace, each explained in docs/channels.md.
#pragma once
#include <vector>

#include "base/config.h"
#include "broker/channel/namespace.h"

namespace lcg::broker {

// Appends to `namespaces`. `insecure` is the broker's. Errors are left in the document. Boot only.
void read_channel_config(config::Section section, bool insecure, ChannelOptions& without_namespace,
                         std::vector<ChannelOptions>& namespaces);

}  // namespace lcg::broker
