// HttpRpc: POST /rpc/<method> with a bearer token, the same methods as on the socket.
//
// A call is a ConnectRequest with `http` set (it verifies the token and registers nothing) and an RpcRequest.
// Who a token speaks for is remembered for token_cache_ttl, or until the credentials end if that is sooner: a
// token that is revoked works that much longer here, on a lane that has seen it.
//
// Answers: 200 with the result itself as the body ("null" when the method has none), else
//   {"error":{"code":103,"message":"permission denied"}}      ("temporary":true if another try may help)
// with 400 bad request and errors of an application (codes from 400), 401 no or no valid token, 403
// permission denied, 404 no such method, channel or object, 409 unrecoverable position, 429 too many requests
// or a limit, 503 temporary, 500 the rest. Lane: the gateway lane's.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/session/session_context.h"

namespace lcg::gateway {

struct HttpRpcAnswer {
  uint32_t status = 200;
  SharedBytes body;  // JSON
};
using HttpRpcDone = UniqueFunction<void(HttpRpcAnswer)>;

class HttpRpc {
 public:
  explicit HttpRpc(SessionContext& context) : context_(context) {}

  // `body`: one JSON value, or "" for none. `done` runs exactly once, perhaps before this returns.
  void call(std::string_view method, std::string_view bearer, std::string_view remote, std::string_view body,
            HttpRpcDone done);

 private:
  struct Known {
    PeerPtr peer;
    MonoTime until;
  };
  using KnownMap = std::unordered_map<std::string, Known>;

  bool may(const RateRules& rules, const SharedNumbersPtr& numbers, protocol::Method method) const;
  PeerPtr known(const std::string& token);
  void remember(std::string token, const ConnectResponse& answer);
  void call_as(PeerPtr peer, std::string method, SharedBytes body, HttpRpcDone done);

  SessionContext& context_;
  // When young_ is full it becomes the old one: at most token_cache_entries, and the oldest half goes first.
  KnownMap young_, old_;
};

}  // namespace lcg::gateway
