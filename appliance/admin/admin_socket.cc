#include "appliance/admin/admin_socket.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

namespace lcg::admin {

namespace asio = boost::asio;
using Local = asio::local::stream_protocol;
using boost::system::error_code;

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
  error_code error;
  Local::socket probe(lane_.context());
  probe.connect(Local::endpoint(path), error);
  if (!error) return {Code::kConflict, "admin.socket: " + path + " is in use by a running server"};
  ::unlink(path.c_str());

  acceptor_.open(Local(), error);
  const mode_t before = ::umask(0177);
  if (!error) acceptor_.bind(Local::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return {Code::kUnavailable, "admin.socket: cannot listen on " + path + ": " + error.message()};
  path_ = path;
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
  if (!path_.empty()) ::unlink(path_.c_str());
}

}  // namespace lcg::admin
