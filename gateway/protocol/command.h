// Commands of the client protocol as plain structs. No I/O, no JSON.
//
// Every view is borrowed from the frame, or from the CommandReader for a string that had escapes in it: it is
// valid until the reader's next command. A field that was absent has its zero value. `data` views are whole
// JSON values as the client wrote them (a Protobuf codec puts bytes there); SharedBytes for the broker are
// made by payload_bytes(). Source: client-protocol 1.3, 1.7 to 1.9.
#pragma once
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "gateway/protocol/tag_filter.h"

namespace lcg::protocol {

enum class Method : uint8_t {
  kNone,  // no known request field
  kConnect,
  kPing,
  kSubscribe,
  kUnsubscribe,
  kPublish,
  kPresence,
  kPresenceStats,
  kHistory,
  kRpc,
  kSend,
  kRefresh,
  kSubRefresh
};

struct SubscribeCommand {
  std::string_view channel, token, epoch, data, delta;
  uint64_t offset = 0;
  int64_t flag = 0;  // kFlagCompaction, kFlagRejectUnrecovered
  int32_t type = 0;  // 0: a stream
  bool recover = false, positioned = false, recoverable = false, join_leave = false;
  const TagFilter* filter = nullptr;  // `tf`; of the reader, valid like the views
};
inline constexpr int64_t kFlagCompaction = 1, kFlagRejectUnrecovered = 2;

struct ConnectCommand {
  std::string_view token, data, name, version;
  std::vector<std::pair<std::string_view, std::string_view>> headers;  // emulated HTTP headers
  // The server-side subscriptions to recover: channel, recover, offset and epoch are set.
  std::vector<SubscribeCommand> subs;
};

struct PublishCommand {
  std::string_view channel, data;
  std::string_view key;  // of a map
  int32_t type = 0;      // 1: to a map, which is not available
};

struct HistoryCommand {
  std::string_view channel, epoch;
  uint64_t offset = 0;
  int32_t limit = 0;
  bool has_since = false, reverse = false;
};

struct RpcCommand {
  std::string_view method, data;
};

// unsubscribe, presence, presence_stats: channel. refresh: token. sub_refresh: both, and type.
struct NamedCommand {
  std::string_view channel, token;
  int32_t type = 0;  // sub_refresh: not 0 is a shared poll's, which is not available
};

// Of the members below, only that of `method` means anything.
struct Command {
  uint32_t id = 0;
  Method method = Method::kNone;
  // What is wrong inside a field of data or text, of a command that can be read all the same: it is refused (107),
  // and the connection goes on; of a connect, it is closed (3501). Null: nothing. Connect's data is the
  // application's and never at fault.
  const char* fault = nullptr;
  std::string_view fault_field;  // "data"
  ConnectCommand connect;
  SubscribeCommand subscribe;
  PublishCommand publish;
  HistoryCommand history;
  RpcCommand rpc;
  NamedCommand named;
};

// A payload as the broker wants it: raw newlines, which in JSON can only stand between tokens, are left out.
SharedBytes payload_bytes(std::string_view data);

}  // namespace lcg::protocol
