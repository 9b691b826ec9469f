// ApiService: the server API of one lane, POST /api/<method>, POST /api/batch and the legacy POST /api.
//
// A request is admitted whole before any of it is done: its key (401), its JSON (400), what the key may do (403),
// its rate (429). Then its commands run (method.h), those of a batch in order or, with "parallel", some at a
// time; answers keep the order. Source: client-protocol 4.
//
// Answers: {"result":{..}} or {"error":{"code":107,"message":"publish: channel: must be given"}} with 200; a batch
// {"replies":[{"publish":{..}},{"error":{..}}]}; the legacy form one {"id":..,"result":{..}} a line. In transport
// mode (gateway.api.error_mode, or the header X-Centrifugo-Error-Mode: transport) the error of a single command is
// the body itself, with status 500 (100), 404 (102, 104), 400 (107, 108 and the rest), 416 (112), 409 (113), 403
// (103), 429 (106, 111).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "gateway/api/batch.h"
#include "gateway/api/keys.h"

namespace lcg::gateway::api {

struct ApiStats {
  uint64_t requests = 0;
  uint64_t commands = 0;
  uint64_t errors = 0;        // commands that were answered with an error
  uint64_t unauthorized = 0;  // 401
  uint64_t forbidden = 0;     // 403
  uint64_t malformed = 0;     // 400, 413
  uint64_t rate_limited = 0;  // 429
  uint64_t overloaded = 0;    // 503
};

// Lane: everything. Outlives the last answer of the bus, as GatewayLane does.
class ApiService {
 public:
  // `config` is borrowed. `provider_namespaces` as GatewayLane's.
  ApiService(Lane& lane, Bus& bus, const ApiConfig& config, std::vector<std::string> provider_namespaces,
             NodeFacts node);

  // A POST to "/api" or "/api/<method>". Answers once, now or later.
  void handle(net::HttpRequest request, net::HttpResponder responder);

  const ApiStats& stats() const { return stats_; }
  uint32_t in_flight() const { return in_flight_; }

 private:
  enum class Form : uint8_t { kOne, kBatch, kLines };
  struct Exchange;

  net::HttpResponse refusal(const Exchange& exchange, unsigned status, const Error& error);
  // Fills the exchange; a status if it is not admitted.
  std::optional<net::HttpResponse> admit(const net::HttpRequest& request, Exchange& exchange);
  std::optional<net::HttpResponse> parse(const net::HttpRequest& request, Exchange& exchange);
  void run(std::shared_ptr<Exchange> exchange);
  void run_command(Exchange& exchange, size_t index, AnswerFn done);
  net::HttpResponse response_of(Exchange& exchange);

  Context context_;
  Keys keys_;
  ApiStats stats_;
  uint32_t in_flight_ = 0;
};

// The status of an error in transport mode.
unsigned status_of(const Error& error);

}  // namespace lcg::gateway::api
