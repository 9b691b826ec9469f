// The field numbers of the client protocol's Protobuf messages. Source: client-protocol 1.3 to 1.9, 1.14.
// Numbers that the protocol reserves, or that belong to what is never granted, are not here: unknown fields are
// passed over.
#pragma once
#include <cstdint>

namespace lcg::protocol::field {

namespace command {  // 2 and 3 are reserved
enum : uint32_t {
  kId = 1,
  kConnect = 4,
  kSubscribe = 5,
  kUnsubscribe = 6,
  kPublish = 7,
  kPresence = 8,
  kPresenceStats = 9,
  kHistory = 10,
  kPing = 11,
  kSend = 12,
  kRpc = 13,
  kRefresh = 14,
  kSubRefresh = 15
};
}
namespace connect_request {
enum : uint32_t { kToken = 1, kData = 2, kSubs = 3, kName = 4, kVersion = 5, kHeaders = 6 };
}
namespace subscribe_request {  // 4 and 5 are reserved
enum : uint32_t {
  kChannel = 1,
  kToken = 2,
  kRecover = 3,
  kEpoch = 6,
  kOffset = 7,
  kData = 8,
  kPositioned = 9,
  kRecoverable = 10,
  kJoinLeave = 11,
  kDelta = 12,
  kFilter = 13,
  kFlag = 14,
  kType = 15
};
}
namespace filter_node {
enum : uint32_t { kOp = 1, kKey = 2, kCmp = 3, kVal = 4, kVals = 5, kNodes = 6 };
}
namespace publish_request {
enum : uint32_t { kChannel = 1, kData = 2, kType = 3, kKey = 4 };
}
namespace history_request {
enum : uint32_t { kChannel = 1, kLimit = 7, kSince = 8, kReverse = 9 };
}
namespace stream_position {
enum : uint32_t { kOffset = 1, kEpoch = 2 };
}
namespace rpc_request {
enum : uint32_t { kData = 1, kMethod = 2 };
}
namespace channel_request {  // unsubscribe, presence, presence_stats
enum : uint32_t { kChannel = 1 };
}
namespace refresh_request {
enum : uint32_t { kToken = 1 };
}
namespace sub_refresh_request {
enum : uint32_t { kChannel = 1, kToken = 2, kType = 3 };
}
namespace map_entry {
enum : uint32_t { kKey = 1, kValue = 2 };
}
namespace emulation_request {
enum : uint32_t { kNode = 1, kSession = 2, kData = 3 };
}

namespace reply {  // 3 is reserved, 12 (ping) is never sent
enum : uint32_t {
  kId = 1,
  kError = 2,
  kPush = 4,
  kConnect = 5,
  kSubscribe = 6,
  kUnsubscribe = 7,
  kPublish = 8,
  kPresence = 9,
  kPresenceStats = 10,
  kHistory = 11,
  kRpc = 13,
  kRefresh = 14,
  kSubRefresh = 15
};
}
namespace error {
enum : uint32_t { kCode = 1, kMessage = 2, kTemporary = 3 };
}
namespace push {  // 3 is reserved
enum : uint32_t {
  kId = 1,
  kChannel = 2,
  kPub = 4,
  kJoin = 5,
  kLeave = 6,
  kUnsubscribe = 7,
  kMessage = 8,
  kSubscribe = 9,
  kConnect = 10,
  kDisconnect = 11,
  kRefresh = 12
};
}
namespace publication {  // 1, 2 and 3 are reserved
enum : uint32_t { kData = 4, kInfo = 5, kOffset = 6, kTags = 7, kDelta = 8, kEpoch = 14 };
}
namespace client_info {
enum : uint32_t { kUser = 1, kClient = 2, kConnInfo = 3, kChanInfo = 4 };
}
namespace join_leave {
enum : uint32_t { kInfo = 1 };
}
namespace unsubscribe_push {  // 1 is reserved
enum : uint32_t { kCode = 2, kReason = 3 };
}
namespace subscribe_push {
enum : uint32_t { kRecoverable = 1, kEpoch = 4, kOffset = 5, kPositioned = 6, kData = 7 };
}
namespace message_push {
enum : uint32_t { kData = 1 };
}
namespace disconnect_push {
enum : uint32_t { kCode = 1, kReason = 2 };
}
namespace refresh_push {
enum : uint32_t { kExpires = 1, kTtl = 2 };
}
namespace connect_result {
enum : uint32_t {
  kClient = 1,
  kVersion = 2,
  kExpires = 3,
  kTtl = 4,
  kData = 5,
  kSubs = 6,
  kPing = 7,
  kPong = 8,
  kSession = 9,
  kNode = 10,
  kTime = 11
};
}
namespace connect_push {
enum : uint32_t {
  kClient = 1,
  kVersion = 2,
  kData = 3,
  kSubs = 4,
  kExpires = 5,
  kTtl = 6,
  kPing = 7,
  kPong = 8,
  kSession = 9,
  kNode = 10,
  kTime = 11
};
}
namespace subscribe_result {  // 4 and 5 are reserved
enum : uint32_t {
  kExpires = 1,
  kTtl = 2,
  kRecoverable = 3,
  kEpoch = 6,
  kPublications = 7,
  kRecovered = 8,
  kOffset = 9,
  kPositioned = 10,
  kData = 11,
  kWasRecovering = 12,
  kDelta = 13,
  kId = 14
};
}
namespace presence_result {
enum : uint32_t { kPresence = 1 };
}
namespace presence_stats_result {
enum : uint32_t { kNumClients = 1, kNumUsers = 2 };
}
namespace history_result {
enum : uint32_t { kPublications = 1, kEpoch = 2, kOffset = 3 };
}
namespace rpc_result {
enum : uint32_t { kData = 1 };
}
namespace refresh_result {  // 1 and 2, client and version, are left empty
enum : uint32_t { kExpires = 3, kTtl = 4 };
}
namespace sub_refresh_result {
enum : uint32_t { kExpires = 1, kTtl = 2 };
}

}  // namespace lcg::protocol::field
