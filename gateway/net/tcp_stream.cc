#include "gateway/net/tcp_stream.h"

#include <unistd.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <utility>

#include "base/asio_lane.h"
#include "gateway/ws/limits.h"

namespace lcg::net {
namespace {

using boost::asio::ip::tcp;
using ws::IoResult;
using Socket = boost::asio::basic_stream_socket<tcp, AsioLane::Executor>;

IoResult result_of(ssize_t n) {
  if (n > 0) return {IoResult::Status::kOk, static_cast<size_t>(n)};
  if (n == 0) return {IoResult::Status::kEnd, 0};
  const bool again = errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS;
  return {again ? IoResult::Status::kWouldBlock : IoResult::Status::kError, 0};
}

template <class Call>
ssize_t retry_interrupted(Call call) {
  ssize_t n = call();
  while (n < 0 && errno == EINTR) n = call();
  return n;
}

class TcpStream final : public ws::ByteStream {
 public:
  TcpStream(AsioLane& lane, const sockaddr_storage& peer)
      : lane_(lane), socket_(lane.executor()), peer_(ClientAddress::of_socket(peer)) {}

  bool assign(int fd, const sockaddr_storage& peer) {
    boost::system::error_code error;
    socket_.assign(peer.ss_family == AF_INET ? tcp::v4() : tcp::v6(), fd, error);
    return !error;
  }

  void set_observer(ws::StreamObserver* observer) override { observer_ = observer; }

  IoResult read_some(std::span<char> into) override {
    return result_of(retry_interrupted([&] { return ::recv(fd(), into.data(), into.size(), MSG_DONTWAIT); }));
  }

  IoResult write_some(std::span<const iovec> buffers) override {
    constexpr int kFlags = MSG_DONTWAIT | MSG_NOSIGNAL;
    if (buffers.size() == 1) {
      return result_of(
          retry_interrupted([&] { return ::send(fd(), buffers[0].iov_base, buffers[0].iov_len, kFlags); }));
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(buffers.data());  // sendmsg only reads it
    message.msg_iovlen = buffers.size();
    return result_of(retry_interrupted([&] { return ::sendmsg(fd(), &message, kFlags); }));
  }

  void wait_readable() override {
    if (std::exchange(read_waits_, true)) return;
    socket_.async_wait(Socket::wait_read, [self = Reference(this)](const boost::system::error_code& error) {
      self->lane_.handler_begins();
      self->read_waits_ = false;
      if (!self->released_ && error != boost::asio::error::operation_aborted) self->observer_->on_readable();
    });
  }

  void wait_writable() override {
    if (std::exchange(write_waits_, true)) return;
    socket_.async_wait(Socket::wait_write, [self = Reference(this)](const boost::system::error_code& error) {
      self->lane_.handler_begins();
      self->write_waits_ = false;
      if (!self->released_ && error != boost::asio::error::operation_aborted) self->observer_->on_writable();
    });
  }

  void shutdown_write() override { ::shutdown(fd(), SHUT_WR); }

  void discard_unsent() override {
    const linger reset{1, 0};
    ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }

  ClientAddress remote_address() const override { return peer_; }
  void set_remote_address(const ClientAddress& peer) override { peer_ = peer; }

  void account_to(ws::StreamLedger* ledger, uint64_t key) override {
    ledger_ = ledger;
    ledger_key_ = key;
  }

  void release() override {
    released_ = true;
    boost::system::error_code ignored;
    socket_.close(ignored);
    if (ledger_ != nullptr) ledger_->on_released(ledger_key_);
    drop_reference();
  }

 private:
  // Counts one handler under way.
  class Reference {
   public:
    explicit Reference(TcpStream* stream) : stream_(stream) { ++stream_->references_; }
    Reference(Reference&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
    Reference& operator=(Reference&&) = delete;
    ~Reference() {
      if (stream_ != nullptr) stream_->drop_reference();
    }
    TcpStream* operator->() const { return stream_; }

   private:
    TcpStream* stream_;
  };

  int fd() { return socket_.native_handle(); }
  void drop_reference() {
    if (--references_ == 0) delete this;
  }

  AsioLane& lane_;
  Socket socket_;
  ws::StreamObserver* observer_ = nullptr;
  ws::StreamLedger* ledger_ = nullptr;
  uint64_t ledger_key_ = 0;
  ClientAddress peer_;
  uint32_t references_ = 1;
  bool read_waits_ = false;
  bool write_waits_ = false;
  bool released_ = false;
};

}  // namespace

ws::StreamPtr adopt_tcp(AsioLane& lane, int fd, const sockaddr_storage& peer) {
  auto stream = std::make_unique<TcpStream>(lane, peer);
  if (!stream->assign(fd, peer)) {
    ::close(fd);
    return nullptr;
  }
  return ws::StreamPtr(stream.release());
}

}  // namespace lcg::net
