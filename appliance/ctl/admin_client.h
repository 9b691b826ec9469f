// The other end of the admin socket (appliance/admin/admin_socket.h): one request, one answer.
#pragma once
#include <string>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace lcg::ctl {

// Blocks for at most 10 s. Errors: kUnavailable (nothing listens there: is the server running, is the path
// right?), kDenied (not the server's user), kInvalid with the server's own words.
// Before a byte is sent the process that listens is looked at: kDenied unless it runs as this user, as root, or as
// `server_user`. A request may have a token in it, and any user may listen at a path that is free. Root trusts the
// user "lcg" of the packages too.
Result<boost::json::value> ask_server(const std::string& socket_path, const std::string& server_user,
                                      const boost::json::value& request);

}  // namespace lcg::ctl
