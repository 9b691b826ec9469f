#include "gateway/net/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lcg::net {
namespace {

using ws::IoResult;
using Status = IoResult::Status;

constexpr size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;

class TlsStream final : public ws::ByteStream, private ws::StreamObserver {
 public:
  TlsStream(Lane& lane, ws::StreamPtr socket, SSL* ssl, std::shared_ptr<const TlsContext> context)
      : lane_(lane),
        context_(std::move(context)),
        socket_(std::move(socket)),
        ssl_(ssl),
        self_(std::make_shared<TlsStream*>(this)) {
    socket_->set_observer(this);
  }

  void set_observer(ws::StreamObserver* observer) override { observer_ = observer; }

  IoResult read_some(std::span<char> into) override {
    ERR_clear_error();
    read_wants_write_ = false;
    size_t bytes = 0;
    const int done = SSL_read_ex(ssl_, into.data(), into.size(), &bytes);
    if (done == 1) return {Status::kOk, bytes};
    switch (SSL_get_error(ssl_, done)) {
      case SSL_ERROR_WANT_READ:
        return {Status::kWouldBlock, 0};
      case SSL_ERROR_WANT_WRITE:  // the handshake has something to say
        read_wants_write_ = true;
        return {Status::kWouldBlock, 0};
      case SSL_ERROR_ZERO_RETURN:
        return {Status::kEnd, 0};
      default:
        failed_ = true;
        return {Status::kError, 0};
    }
  }

  IoResult write_some(std::span<const iovec> buffers) override {
    // Before the handshake nothing can be said, and OpenSSL would wait for the client inside a write.
    established_ = established_ || SSL_is_init_finished(ssl_) == 1;
    if (failed_ || closing_ || !established_) return {Status::kError, 0};
    if (!pending_.empty() && !flush_pending()) return {failed_ ? Status::kError : Status::kWouldBlock, 0};
    size_t taken = 0;
    size_t buffer = 0, offset = 0;
    while (buffer < buffers.size()) {
      const std::string_view record = next_record(buffers, buffer, offset);
      if (record.empty()) break;
      size_t written = 0;
      if (!encrypt(record, written)) return {Status::kError, 0};
      if (written == 0) {  // encrypted, but the socket is full: it goes out when it can
        pending_.assign(record);
        taken += record.size();
        wait_to_flush();
        break;
      }
      taken += written;
      if (written < record.size()) break;
    }
    return {Status::kOk, taken};
  }

  void wait_readable() override {
    if (std::exchange(wants_readable_, true)) return;
    if (SSL_pending(ssl_) > 0) return tell_soon();
    if (read_wants_write_) return socket_->wait_writable();
    socket_->wait_readable();
  }

  void wait_writable() override {
    if (std::exchange(wants_writable_, true)) return;
    socket_->wait_writable();
  }

  void shutdown_write() override {
    closing_ = true;
    if (pending_.empty()) end_write();
  }

  void discard_unsent() override { socket_->discard_unsent(); }
  ClientAddress remote_address() const override { return socket_->remote_address(); }
  void set_remote_address(const ClientAddress& address) override { socket_->set_remote_address(address); }
  void account_to(ws::StreamLedger* ledger, uint64_t key) override { socket_->account_to(ledger, key); }

  void release() override {
    *self_ = nullptr;
    SSL_free(ssl_);
    delete this;
  }

 private:
  // The next bytes of `buffers`, at most a record: borrowed where one buffer has them all, else gathered.
  std::string_view next_record(std::span<const iovec> buffers, size_t& buffer, size_t& offset) {
    while (buffer < buffers.size() && offset == buffers[buffer].iov_len) {
      ++buffer;
      offset = 0;
    }
    if (buffer == buffers.size()) return {};
    const auto rest = [&] {
      return std::string_view(static_cast<const char*>(buffers[buffer].iov_base) + offset,
                              buffers[buffer].iov_len - offset);
    };
    const std::string_view first = rest().substr(0, kRecordBytes);
    offset += first.size();
    if (first.size() == kRecordBytes || buffer + 1 == buffers.size()) return first;
    static thread_local char gathered[kRecordBytes];
    size_t size = first.copy(gathered, first.size());
    while (size < kRecordBytes) {
      if (offset == buffers[buffer].iov_len) {
        if (++buffer == buffers.size()) break;
        offset = 0;
        continue;
      }
      const std::string_view more = rest().substr(0, kRecordBytes - size);
      size += more.copy(gathered + size, more.size());
      offset += more.size();
    }
    return {gathered, size};
  }

  // False: the stream has failed. `written` 0: OpenSSL keeps the record and wants the same bytes again.
  bool encrypt(std::string_view record, size_t& written) {
    ERR_clear_error();
    written = 0;
    const int done = SSL_write_ex(ssl_, record.data(), record.size(), &written);
    if (done == 1) return true;
    const int error = SSL_get_error(ssl_, done);
    if (error == SSL_ERROR_WANT_WRITE) return true;
    failed_ = true;  // also when it waits for the rest of a message that only a handshake has
    return false;
  }

  bool flush_pending() {
    size_t written = 0;
    if (!encrypt(pending_, written)) return false;
    pending_.erase(0, written);
    if (!pending_.empty()) return false;
    pending_ = std::string();
    return true;
  }

  void wait_to_flush() { socket_->wait_writable(); }

  void end_write() {
    if (!failed_ && SSL_is_init_finished(ssl_) == 1) {
      ERR_clear_error();
      SSL_shutdown(ssl_);  // close_notify
    }
    socket_->shutdown_write();
  }

  // Decrypted bytes wait already: the observer is told, but not from inside a call of its.
  void tell_soon() {
    lane_.post([self = self_] {
      TlsStream* stream = *self;
      if (stream != nullptr && std::exchange(stream->wants_readable_, false))
        stream->observer_->on_readable();
    });
  }

  void on_readable() override {
    if (std::exchange(wants_readable_, false)) observer_->on_readable();
  }

  void on_writable() override {
    const std::shared_ptr<TlsStream*> self = self_;
    if (!pending_.empty()) {
      if (!flush_pending() && !failed_) return wait_to_flush();
      if (closing_ && !failed_) end_write();
    }
    if (std::exchange(read_wants_write_, false) && std::exchange(wants_readable_, false)) {
      observer_->on_readable();
      if (*self == nullptr) return;
    }
    if (std::exchange(wants_writable_, false)) observer_->on_writable();
  }

  Lane& lane_;
  const std::shared_ptr<const TlsContext> context_;
  const ws::StreamPtr socket_;
  SSL* const ssl_;
  const std::shared_ptr<TlsStream*> self_;  // null inside once released
  ws::StreamObserver* observer_ = nullptr;
  std::string pending_;  // of a record that OpenSSL has encrypted and the socket has not taken
  bool wants_readable_ = false;
  bool wants_writable_ = false;
  bool read_wants_write_ = false;
  bool closing_ = false;
  bool established_ = false;  // the first handshake is over
  bool failed_ = false;
};

}  // namespace

ws::StreamPtr start_tls(Lane& lane, ws::StreamPtr socket, int fd, std::shared_ptr<const TlsContext> context) {
  SSL* ssl = context->make_session();
  if (ssl == nullptr || SSL_set_fd(ssl, fd) != 1) {
    SSL_free(ssl);
    return nullptr;
  }
  return ws::StreamPtr(new TlsStream(lane, std::move(socket), ssl, std::move(context)));
}

}  // namespace lcg::net
