// For tests: a ByteStream whose other end, kernel buffer and failures a test holds in its hands.
#pragma once
#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/lane.h"
#include "gateway/ws/byte_stream.h"

namespace lcg::ws {

// What the test sees and sets; lives on after the stream.
struct Wire {
  explicit Wire(Lane& l) : lane(l) {}

  // The client's side.
  void send(std::string_view bytes) {
    to_server += bytes;
    tell_readable();
  }
  void end() {
    client_ended = true;
    tell_readable();
  }
  std::string take() { return std::exchange(to_client, {}); }
  // The kernel takes `bytes` more from the server.
  void make_room(size_t bytes) {
    room += bytes;
    tell_writable();
  }

  void tell_readable() {
    if (!read_waited || released || (to_server.empty() && !client_ended && !broken)) return;
    read_waited = false;
    lane.post([this] {
      if (!released) observer->on_readable();
    });
  }
  void tell_writable() {
    if (!write_waited || released || (room == 0 && !broken)) return;
    write_waited = false;
    lane.post([this] {
      if (!released) observer->on_writable();
    });
  }

  Lane& lane;
  std::string to_server;  // not read yet
  std::string to_client;
  size_t room = SIZE_MAX;  // bytes the server may write
  unsigned writes = 0;
  unsigned fail_at_operation = 0;  // the n-th read or write fails, and all after it; 0 never
  unsigned operations = 0;
  bool client_ended = false;
  bool broken = false;
  bool read_waited = false;
  bool write_waited = false;
  bool shut = false;
  bool reset = false;
  bool released = false;
  ClientAddress told_address{};  // by set_remote_address()
  StreamObserver* observer = nullptr;
};

class TestStream final : public ByteStream {
 public:
  static StreamPtr make(Wire& wire) { return StreamPtr(new TestStream(wire)); }

  void set_observer(StreamObserver* observer) override { wire_.observer = observer; }

  IoResult read_some(std::span<char> into) override {
    if (fails()) return {IoResult::Status::kError, 0};
    const size_t size = std::min(into.size(), wire_.to_server.size());
    if (size == 0) return {wire_.client_ended ? IoResult::Status::kEnd : IoResult::Status::kWouldBlock, 0};
    std::memcpy(into.data(), wire_.to_server.data(), size);
    wire_.to_server.erase(0, size);
    return {IoResult::Status::kOk, size};
  }

  IoResult write_some(std::span<const iovec> buffers) override {
    if (fails()) return {IoResult::Status::kError, 0};
    ++wire_.writes;
    size_t written = 0;
    for (const iovec& buffer : buffers) {
      const size_t size = std::min(buffer.iov_len, wire_.room - written);
      wire_.to_client.append(static_cast<const char*>(buffer.iov_base), size);
      written += size;
    }
    if (written == 0) return {IoResult::Status::kWouldBlock, 0};
    if (wire_.room != SIZE_MAX) wire_.room -= written;
    return {IoResult::Status::kOk, written};
  }

  void wait_readable() override {
    wire_.read_waited = true;
    wire_.tell_readable();
  }
  void wait_writable() override {
    wire_.write_waited = true;
    wire_.tell_writable();
  }
  void shutdown_write() override { wire_.shut = true; }
  void discard_unsent() override { wire_.reset = true; }
  ClientAddress remote_address() const override { return *ClientAddress::parse("192.0.2.1:4711"); }
  void set_remote_address(const ClientAddress& address) override { wire_.told_address = address; }
  void account_to(StreamLedger* ledger, uint64_t key) override {
    ledger_ = ledger;
    ledger_key_ = key;
  }
  void release() override {
    wire_.released = true;
    if (ledger_ != nullptr) ledger_->on_released(ledger_key_);
    delete this;
  }

 private:
  explicit TestStream(Wire& wire) : wire_(wire) {}
  bool fails() {
    if (wire_.fail_at_operation != 0 && ++wire_.operations >= wire_.fail_at_operation) wire_.broken = true;
    return wire_.broken;
  }
  Wire& wire_;
  StreamLedger* ledger_ = nullptr;
  uint64_t ledger_key_ = 0;
};

}  // namespace lcg::ws
