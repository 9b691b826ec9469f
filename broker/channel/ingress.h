// What may be published: checked once, where it enters, whoever publishes it. Pure.
#pragma once
#include "broker/api/channel_requests.h"
#include "broker/channel/namespace.h"

namespace lcg::broker {

// Is it what the namespace wants (publication_data_format)? Sets `binary` for what is not JSON; JSON comes out in
// one line. `checked_json`: it is JSON in one line already. Returns 0, or the error's code with `why` set.
uint32_t admit_data(const ChannelOptions& options, bool checked_json, SharedBytes& data, bool& binary,
                    std::string_view& why);

// Limits of broker/plugin_options.h; tags come out sorted. Returns 0, or the error's code with `why` set.
uint32_t admit_options(PublishOptions& options, std::string_view& why);

}  // namespace lcg::broker
