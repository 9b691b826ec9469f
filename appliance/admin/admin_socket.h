// AdminSocket: the operator's way in: a Unix socket with mode 0600, so that the file system says who may use it.
//
// A connection carries one request, a line of JSON: {"command":"sessions","filter":"alice"}. The answer is one
// line, {"result":...} or {"error":"..."}, and the connection is closed. Limits: kMaxRequest bytes, kDeadline
// for both, kMaxConnections at a time. Lane: the one it was made for, all of it.
#pragma once
#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/asio_lane.h"
#include "base/function.h"
#include "base/status.h"

namespace lcg::admin {

// `answer` is called once, now or later, on the lane, with the whole line but its newline.
using AdminHandler = std::function<void(std::string request, UniqueFunction<void(std::string)> answer)>;

class AdminSocket {
 public:
  static constexpr size_t kMaxRequest = size_t{64} * 1024;
  static constexpr size_t kMaxConnections = 32;
  static constexpr size_t kMaxPath = 107;     // bytes, of Linux
  static constexpr Millis kDeadline{10'000};  // of the request and of its answer

  AdminSocket(AsioLane& lane, AdminHandler handler);
  ~AdminSocket();  // stop() was called

  // Takes over the path: a socket of this user's that a process left behind is replaced. Whatever else lies there is
  // left alone. Its directory is made with mode 0700 when it is missing. Errors: kConflict (another process serves
  // it, or something lies there that is not ours), kDenied (others may write the directory), kUnavailable.
  Status listen(const std::string& path);
  // Closes everything and removes the socket's file.
  void stop();

 private:
  class Connection;
  void accept();

  AsioLane& lane_;
  AdminHandler handler_;
  std::string path_;
  ino_t inode_ = 0;  // of the socket's file
  boost::asio::local::stream_protocol::acceptor acceptor_;
  std::unordered_set<std::shared_ptr<Connection>> connections_;
  TimerId retry_ = 0;
};

}  // namespace lcg::admin
