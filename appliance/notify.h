// Tells a service manager how the daemon is (sd_notify(3)): one datagram to $NOTIFY_SOCKET; nothing without
// it.
#pragma once
#include <string_view>

namespace lcg {

// "READY=1", "STOPPING=1", "RELOADING=1", "STATUS=...". Any thread. Never blocks, never fails the caller.
void notify_service_manager(std::string_view state);

}  // namespace lcg
