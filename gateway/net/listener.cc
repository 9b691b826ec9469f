#include "gateway/net/listener.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <cerrno>
#include <charconv>
#include <utility>

#include "base/asio_lane.h"
#include "base/log.h"
#include "gateway/net/http_limits.h"
#include "gateway/net/tcp_stream.h"

namespace lcg::net {

using boost::asio::ip::tcp;
namespace {

Status cannot_listen(const ListenAddress& address, const boost::system::error_code& error) {
  return Status(Code::kUnavailable, "cannot listen on " + address.host + " port " +
                                        std::to_string(address.port) + ": " + error.message() +
                                        "; choose another address or port, or stop what uses it");
}

}  // namespace

using Acceptor = boost::asio::basic_socket_acceptor<tcp, AsioLane::Executor>;
using ReusePort = boost::asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

struct Listener::Impl : std::enable_shared_from_this<Listener::Impl> {
  Impl(AsioLane& l, Accept a) : lane(l), acceptor(l.executor()), accept(std::move(a)) {}

  void wait() {
    acceptor.async_wait(Acceptor::wait_read,
                        [self = shared_from_this()](const boost::system::error_code& error) {
                          self->lane.handler_begins();
                          if (!error && !self->closed) self->accept_some();
                        });
  }

  void accept_some() {
    for (unsigned i = 0; i < kAcceptsPerTurn && !closed; ++i) {
      sockaddr_storage peer{};
      socklen_t size = sizeof peer;
      const int fd = ::accept4(acceptor.native_handle(), reinterpret_cast<sockaddr*>(&peer), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) return back_off(errno);
        continue;  // that client is gone again
      }
      exhausted = false;
      if (ws::StreamPtr stream = adopt_tcp(lane, fd, peer); stream != nullptr) {
        accept(std::move(stream), ClientAddress::of_socket(peer), fd);
      }
    }
    if (!closed) wait();
  }

  // Connections wait in the kernel meanwhile; retrying at once would only burn the lane's time.
  void back_off(int error) {
    if (!exhausted) log::warn("connections wait: raise LimitNOFILE", {{"errno", error}});
    exhausted = true;
    backoff_timer = lane.start_timer(kAcceptBackoff, [self = shared_from_this()] {
      self->backoff_timer = 0;
      if (!self->closed) self->accept_some();
    });
  }

  AsioLane& lane;
  Acceptor acceptor;
  Accept accept;
  TimerId backoff_timer = 0;
  bool closed = false;
  bool exhausted = false;  // the last accept found no descriptor or memory
};

Listener::Listener(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Listener::~Listener() {
  impl_->closed = true;
  if (impl_->backoff_timer != 0) impl_->lane.cancel_timer(impl_->backoff_timer);
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
}

bool Listener::exhausted() const { return impl_->exhausted; }

uint16_t Listener::port() const { return impl_->acceptor.local_endpoint().port(); }

Result<std::unique_ptr<Listener>> Listener::open(AsioLane& lane, const ListenAddress& address,
                                                 Accept accept) {
  boost::system::error_code error;
  const auto ip = boost::asio::ip::make_address(address.host, error);
  if (error) {
    return Status(Code::kInvalid, "listen address " + address.host + " is not an IP address");
  }
  const tcp::endpoint endpoint(ip, address.port);
  auto impl = std::make_shared<Impl>(lane, std::move(accept));
  Acceptor& acceptor = impl->acceptor;
  const auto step = [&error](auto&& call) {
    if (!error) call();
  };
  step([&] { acceptor.open(endpoint.protocol(), error); });
  step([&] { acceptor.set_option(Acceptor::reuse_address(true), error); });
  step([&] { acceptor.set_option(ReusePort(true), error); });
  // Accepted sockets inherit it: frames are written whole, waiting for more would only delay them.
  step([&] { acceptor.set_option(tcp::no_delay(true), error); });
  if (ip.is_v6()) step([&] { acceptor.set_option(boost::asio::ip::v6_only(false), error); });
  step([&] { acceptor.bind(endpoint, error); });
  step([&] { acceptor.listen(kListenBacklog, error); });
  step([&] { acceptor.native_non_blocking(true, error); });
  if (error) {
    return cannot_listen(address, error);
  }
  impl->wait();
  return std::unique_ptr<Listener>(new Listener(std::move(impl)));
}

Status check_free(const ListenAddress& address) {
  boost::system::error_code error;
  const tcp::endpoint endpoint(boost::asio::ip::make_address(address.host, error), address.port);
  if (error) return Status(Code::kInvalid, "listen address " + address.host + " is not an IP address");
  boost::asio::io_context context;
  tcp::acceptor probe(context);
  probe.open(endpoint.protocol(), error);
  if (!error) probe.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) probe.bind(endpoint, error);
  return error ? cannot_listen(address, error) : Status();
}

Result<ListenAddress> parse_listen_address(const std::string& text) {
  const size_t colon = text.rfind(':');
  ListenAddress address;
  bool valid = colon != std::string::npos;
  if (valid) {
    const std::string_view port = std::string_view(text).substr(colon + 1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    valid = !port.empty() && error == std::errc() && end == port.data() + port.size();
    address.host = text.substr(0, colon);
    if (address.host.empty()) {
      address.host = "::";
    } else if (address.host.front() == '[' && address.host.back() == ']') {
      address.host = address.host.substr(1, address.host.size() - 2);
    } else {
      valid = valid && address.host.find(':') == std::string::npos;
    }
    boost::system::error_code not_ip;
    boost::asio::ip::make_address(address.host, not_ip);
    valid = valid && !not_ip;
  }
  if (!valid)
    return Status(Code::kInvalid, "\"" + text + "\" is not an address and port like 127.0.0.1:8000");
  return address;
}

}  // namespace lcg::net
