// HttpRpc: POST /rpc/<method> with a bearer token, the same methods as on the socket.
//
// A call is a ConnectRequest with `http` set (it verifies the token; no session begins) and an RpcRequest. Who a
// token speaks for is remembered for token_cache_ttl, or until the credentials end if that is sooner; it is bound in
// the broker meanwhile, and a disconnect of it (revoked, blocked, logged out) reaches the cache and the calls that
// are being verified as it reaches a session. So once the disconnect is acknowledged nothing is dispatched under the
// token; what was dispatched before may still end well.
//
// Answers: 200 with the result itself as the body ("null" when the method has none), else
//   {"error":{"code":103,"message":"permission denied"}}      ("temporary":true if another try may help)
// with 400 bad request and errors of an application (codes from 400), 401 no or no valid token, 403
// permission denied, 404 no such method, channel or object, 409 unrecoverable position, 429 too many requests
// or a limit, 503 temporary, 500 the rest. Lane: the gateway lane's.
#pragma once
#include <string>
#include <string_view>

#include "gateway/session/session_context.h"
#include "gateway/session/token_cache.h"

namespace lcg::gateway {

struct HttpRpcAnswer {
  uint32_t status = 200;
  SharedBytes body;  // JSON
};
using HttpRpcDone = UniqueFunction<void(HttpRpcAnswer)>;

class HttpRpc {
 public:
  explicit HttpRpc(SessionContext& context);

  // `body`: one JSON value, or "" for none. `done` runs exactly once, perhaps before this returns.
  void call(std::string_view method, std::string_view bearer, const ClientAddress& remote,
            std::string_view body, HttpRpcDone done);

  // A disconnect of what was bound for a token. False: the session id is none of ours.
  bool disconnect(const DeliverDisconnect& what);

 private:
  bool may(const RateRules& rules, const SharedNumbersPtr& numbers, protocol::Method method) const;
  void verified(std::string token, ConnectResponse answer, std::string method, SharedBytes body,
                HttpRpcDone done);
  void remember(std::string token, const ConnectResponse& answer);
  void forget(const PeerPtr& peer);
  void call_as(PeerPtr peer, std::string method, SharedBytes body, HttpRpcDone done);

  SessionContext& context_;
  TokenCache known_;
  // Session ids of the calls that are being verified, and what disconnected them meanwhile.
  GrowingMap<std::string, Disconnect> verifying_;
};

}  // namespace lcg::gateway
