// Every request of the bus and its answer. One struct a request; each names its answer's type. The broker part that
// serves them: broker/broker_lane.h. Over a network bus the same structs are encoded.
#pragma once
#include <variant>

#include "broker/api/channel_requests.h"
#include "broker/api/connection_requests.h"
#include "broker/api/user_requests.h"

namespace lcg {

using Request =
    std::variant<ConnectRequest, RefreshRequest, SubscribeRequest, UnsubscribeRequest, PublishRequest,
                 HistoryRequest, PresenceRequest, RpcRequest, HttpRequest, SessionClosed, BindSession,
                 ServiceCall, ServerPublish, Inspect, DisconnectSessions, UnsubscribeSessions,
                 SubRefreshRequest, HistoryRemove, PeerChanged, SubscribeUser, UnsubscribeUser, RefreshUser,
                 BlockUser, UserStatus, ListSessions, ListChannels, NodeInfo>;
using Response =
    std::variant<Outcome, ConnectResponse, RefreshResponse, SubscribeResponse, UnsubscribeResponse,
                 PublishResponse, HistoryResponse, PresenceResponse, RpcResponse, HttpResponse,
                 SessionClosedResponse, BindSessionResponse, ServiceCallResponse, InspectResponse,
                 DisconnectSessionsResponse, UnsubscribeSessionsResponse, SubRefreshResponse,
                 HistoryRemoveResponse, PeerChangedResponse, UserAnswer, UserStatusResponse,
                 ListSessionsResponse, ListChannelsResponse, NodeInfoResponse>;

// The answer type of a request, so that a caller cannot mix them up.
template <class R>
struct ResponseOf {
  using type = typename R::Answer;
};

}  // namespace lcg
