#include "appliance/ctl/admin_client.h"

#include <pwd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

namespace lcg::ctl {
namespace {

class Socket {
 public:
  Socket() : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Status connect_to(int fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return {Code::kInvalid, path + ": the path of a socket has at most 107 bytes"};
  std::memcpy(address.sun_path, path.data(), path.size());
  const timeval deadline{10, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return {};
  if (errno == EACCES) return {Code::kDenied, path + ": only the server's user may use its admin socket"};
  return {Code::kUnavailable,
          path + ": " + std::strerror(errno) + "; is the server running, and is this its admin.socket?"};
}

bool is_user(uid_t uid, const std::string& name) {
  const passwd* const user = ::getpwnam(name.c_str());
  return user != nullptr && user->pw_uid == uid;
}

Status check_peer(int fd, const std::string& path, const std::string& server_user) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return {Code::kUnavailable, path + ": " + std::strerror(errno)};
  const uid_t me = ::geteuid();
  if (peer.uid == me || peer.uid == 0) return {};
  if (server_user.empty() ? me == 0 && is_user(peer.uid, "lcg") : is_user(peer.uid, server_user)) return {};
  return {Code::kDenied,
          path + ": who listens there runs as uid " + std::to_string(peer.uid) +
              ", neither root nor you; nothing was sent. If that is the server's user, name it "
              "with --server-user"};
}

}  // namespace

Result<boost::json::value> ask_server(const std::string& socket_path, const std::string& server_user,
                                      const boost::json::value& request) {
  const Socket socket;
  if (Status status = connect_to(socket.fd(), socket_path); !status.ok()) return status;
  if (Status status = check_peer(socket.fd(), socket_path, server_user); !status.ok()) return status;
  const std::string line = boost::json::serialize(request) + "\n";
  if (::send(socket.fd(), line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return Status(Code::kUnavailable, socket_path + ": the server did not take the request");
  std::string answer;
  char chunk[65536];
  for (ssize_t n; (n = ::recv(socket.fd(), chunk, sizeof chunk, 0)) > 0;)
    answer.append(chunk, static_cast<size_t>(n));
  boost::system::error_code error;
  boost::json::value parsed = boost::json::parse(answer, error);
  if (error || !parsed.is_object())
    return Status(Code::kUnavailable, socket_path + ": no answer within 10 s");
  boost::json::object& object = parsed.get_object();
  if (const auto* why = object.if_contains("error"))
    return Status(Code::kInvalid, std::string(why->as_string()));
  return boost::json::value(std::move(object["result"]));
}

}  // namespace lcg::ctl
