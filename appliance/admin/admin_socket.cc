#include "appliance/admin/admin_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "lcg/trusted_path.hpp"

namespace lcg::admin {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

Status refused(Code code, const std::string& why) { return {code, "admin.socket: " + why}; }

// The directory the socket is in: made with mode 0700 when it is missing, and one that nobody else may write.
Status prepare_directory(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
    return refused(Code::kUnavailable, "cannot make " + directory + ": " + std::strerror(errno));
  const TrustedPath checked = trusted_directory(directory);
  return checked.ok() ? Status() : refused(Code::kDenied, checked.why);
}

// Only a socket of ours that nobody serves any more is taken away.
Status clear_way(const std::string& path, asio::io_context& context) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0)
    return errno == ENOENT ? Status() : refused(Code::kUnavailable, path + ": " + std::strerror(errno));
  if (!S_ISSOCK(info.st_mode)) {
    const char* what = S_ISREG(info.st_mode)   ? "a file"
                       : S_ISDIR(info.st_mode) ? "a directory"
                       : S_ISLNK(info.st_mode) ? "a link"
                                               : "no socket";
    return refused(Code::kConflict, path + " is " + what + "; it is left as it is: name another path");
  }
  if (info.st_uid != ::geteuid())
    return refused(Code::kConflict, path + " is a socket of uid " + std::to_string(info.st_uid) +
                                        ", not of uid " + std::to_string(::geteuid()) +
                                        " that this server runs as: remove it, or name another path");
  error_code error;
  Local::socket probe(context);
  probe.connect(Local::endpoint(path), error);
  if (!error) return refused(Code::kConflict, path + " is in use by a running server");
  if (error != asio::error::connection_refused)
    return refused(Code::kUnavailable, path + ": " + error.message());
  if (::unlink(path.c_str()) == 0) return {};
  return refused(Code::kUnavailable, "cannot remove the old " + path + ": " + std::strerror(errno));
}

}  // namespace

// Kept alive by what it waits for; ends with the answer written, an error, the deadline or stop().
class AdminSocket::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(AdminSocket& owner, Local::socket socket) : owner_(&owner), socket_(std::move(socket)) {}

  void start() {
    timer_ = owner_->lane_.start_timer(kDeadline, [self = shared_from_this()] { self->close(); });
    asio::async_read_until(
        socket_, asio::dynamic_buffer(line_, kMaxRequest), '\n',
        [self = shared_from_this()](error_code error, size_t size) { self->on_line(error, size); });
  }

  void close() {
    if (owner_ == nullptr) return;
    AdminSocket& owner = *std::exchange(owner_, nullptr);
    owner.lane_.cancel_timer(timer_);
    error_code ignored;
    socket_.close(ignored);
    owner.connections_.erase(shared_from_this());
  }

 private:
  void on_line(error_code error, size_t size) {
    if (owner_ == nullptr) return;
    if (error) return close();
    line_.resize(size - 1);
    owner_->handler_(std::move(line_),
                     [self = shared_from_this()](std::string answer) { self->write(std::move(answer)); });
  }

  void write(std::string answer) {
    if (owner_ == nullptr) return;
    line_ = std::move(answer);
    line_.push_back('\n');
    asio::async_write(socket_, asio::buffer(line_),
                      [self = shared_from_this()](error_code, size_t) { self->close(); });
  }

  AdminSocket* owner_;
  Local::socket socket_;
  std::string line_;
  TimerId timer_ = 0;
};

AdminSocket::AdminSocket(AsioLane& lane, AdminHandler handler)
    : lane_(lane), handler_(std::move(handler)), acceptor_(lane.context()) {}

AdminSocket::~AdminSocket() = default;

Status AdminSocket::listen(const std::string& path) {
  if (path.size() > kMaxPath)
    return refused(Code::kInvalid, path + " is over " + std::to_string(kMaxPath) + " bytes");
  if (Status status = prepare_directory(path); !status.ok()) return status;
  if (Status status = clear_way(path, lane_.context()); !status.ok()) return status;

  error_code error;
  acceptor_.open(Local(), error);
  const mode_t before = ::umask(0177);
  if (!error) acceptor_.bind(Local::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return refused(Code::kUnavailable, "cannot listen on " + path + ": " + error.message());
  path_ = path;
  struct stat made {};
  if (::lstat(path.c_str(), &made) == 0) inode_ = made.st_ino;
  accept();
  return {};
}

void AdminSocket::accept() {
  acceptor_.async_accept([this](error_code error, Local::socket socket) {
    if (!acceptor_.is_open()) return;
    if (error) {  // out of descriptors, most likely: not again at once
      retry_ = lane_.start_timer(Millis(100), [this] { accept(); });
      return;
    }
    if (connections_.size() < kMaxConnections) {
      auto connection = std::make_shared<Connection>(*this, std::move(socket));
      connections_.insert(connection);
      connection->start();
    }
    accept();
  });
}

void AdminSocket::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  lane_.cancel_timer(retry_);
  while (!connections_.empty()) (*connections_.begin())->close();
  struct stat info {};
  const bool ours = !path_.empty() && ::lstat(path_.c_str(), &info) == 0 && info.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

}  // namespace lcg::admin
