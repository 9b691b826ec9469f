// The other end of the admin socket (appliance/admin/admin_socket.h): one request, one answer.
#pragma once
#include <string>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace lcg::ctl {

// Blocks for at most 10 s. Errors: kUnavailable (nothing listens there: is the server running, is the path
// right?), kDenied (not the server's user), kInvalid with the server's own words.
Result<boost::json::value> ask_server(const std::string& socket_path, const boost::json::value& request);

}  // namespace lcg::ctl
