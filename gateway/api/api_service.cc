#include "gateway/api/api_service.h"

#include <algorithm>

#include "base/json_writer.h"
#include "base/log.h"
#include "base/visible.h"
#include "gateway/api/bounded.h"

namespace lcg::gateway::api {
namespace {

constexpr std::string_view kPrefix = "/api/";

std::string object_of(const Error& error) {
  std::string out;
  JsonWriter(out)
      .begin_object()
      .field("code", error.code)
      .field("message", visible(error.message))
      .end_object();
  return out;
}

Error error(uint32_t code, std::string text) { return {code, std::move(text), false}; }

}  // namespace

// One HTTP request under way.
struct ApiService::Exchange {
  Form form = Form::kOne;
  bool transport_errors = false;
  Keys::Found key;
  std::string remote;
  Batch batch;
  std::vector<Answer> answers;
  size_t answer_bytes = 0;
  std::optional<net::HttpResponder> responder;
};

unsigned status_of(const Error& error) {
  switch (error.code) {
    case error_code::kInternal:
      return 500;
    case error_code::kUnauthorized:
      return 401;
    case error_code::kPermissionDenied:
      return 403;
    case error_code::kUnknownChannel:
    case error_code::kMethodNotFound:
      return 404;
    case error_code::kConcurrentPagination:
      return 409;
    case error_code::kUnrecoverablePosition:
      return 416;
    case error_code::kLimitExceeded:
    case error_code::kTooManyRequests:
      return 429;
    default:
      return 400;
  }
}

ApiService::ApiService(Lane& lane, Bus& bus, const ApiConfig& config,
                       std::vector<std::string> provider_namespaces, NodeFacts node)
    : context_{lane, bus, config, ChannelRoutes(bus.slot_count(), std::move(provider_namespaces)),
               std::move(node)},
      keys_(config) {
  if (config.insecure && lane.index() == 0)
    log::warn("gateway.api.insecure: whoever reaches the listener may call the server API");
}

net::HttpResponse ApiService::refusal(const Exchange& exchange, unsigned status, const Error& error) {
  std::string body = object_of(error);
  if (!exchange.transport_errors) body = "{\"error\":" + body + "}";
  return net::HttpResponse::json(status, std::move(body));
}

std::optional<net::HttpResponse> ApiService::parse(const net::HttpRequest& request, Exchange& exchange) {
  const std::string_view path = request.path;
  const std::string_view name = path.starts_with(kPrefix) ? path.substr(kPrefix.size()) : std::string_view();
  const size_t most = context_.config.max_batch_commands;
  Malformed malformed;
  if (path == "/api") {
    exchange.form = Form::kLines;
    malformed = parse_lines(request.body, most, exchange.batch.commands);
  } else if (name == "batch") {
    exchange.form = Form::kBatch;
    malformed = parse_batch(request.body, most, exchange.batch);
  } else if (const Method* method = find_method(name)) {
    malformed = parse_one(request.body, *method, exchange.batch.commands.emplace_back());
  } else {
    return refusal(exchange, 404,
                   error(error_code::kMethodNotFound, "there is no method '" + std::string(name) + "'"));
  }
  if (!malformed) return std::nullopt;
  ++stats_.malformed;
  return refusal(exchange, 400, error(error_code::kBadRequest, std::move(malformed.text)));
}

std::optional<net::HttpResponse> ApiService::admit(const net::HttpRequest& request, Exchange& exchange) {
  exchange.transport_errors =
      context_.config.transport_errors || request.header("X-Centrifugo-Error-Mode") == "transport";
  exchange.key = keys_.find(key_of(request));
  if (!exchange.key.known) {
    ++stats_.unauthorized;
    net::HttpResponse out = refusal(
        exchange, 401,
        error(error_code::kUnauthorized,
              "no API key, or not one of gateway.api.keys: send it as X-API-Key or Authorization: apikey"));
    out.headers.push_back({"WWW-Authenticate", "apikey"});
    return out;
  }
  if (in_flight_ >= context_.config.max_in_flight) {
    ++stats_.overloaded;
    net::HttpResponse out = refusal(
        exchange, 503, error(error_code::kInternal, "too many API requests are under way, try again"));
    out.headers.push_back({"Retry-After", "1"});
    return out;
  }
  if (request.body.size() > context_.config.max_body_bytes) {
    ++stats_.malformed;
    return refusal(exchange, 413,
                   error(error_code::kLimitExceeded, "expected a body of at most " +
                                                         std::to_string(context_.config.max_body_bytes) +
                                                         " bytes (gateway.api.body_size)"));
  }
  if (auto refused = parse(request, exchange)) return refused;
  for (const Command& command : exchange.batch.commands) {
    std::string what = Keys::forbids(exchange.key.config, command);
    if (what.empty()) continue;
    ++stats_.forbidden;
    return refusal(exchange, 403, error(error_code::kPermissionDenied, std::move(what)));
  }
  const auto wait = keys_.over_rate(exchange.key, exchange.batch.commands, context_.lane.now());
  if (!wait) return std::nullopt;
  ++stats_.rate_limited;
  net::HttpResponse out = refusal(
      exchange, 429,
      error(error_code::kTooManyRequests, "key '" + exchange.key.config->name + "' is over its rate"));
  out.headers.push_back({"Retry-After", std::to_string((wait->count() + 999) / 1000)});
  return out;
}

void ApiService::handle(net::HttpRequest request, net::HttpResponder responder) {
  ++stats_.requests;
  auto exchange = std::make_shared<Exchange>();
  if (auto refused = admit(request, *exchange)) return responder.send(std::move(*refused));
  exchange->remote = request.remote_address.text();
  exchange->responder.emplace(std::move(responder));
  run(std::move(exchange));
}

void ApiService::run(std::shared_ptr<Exchange> exchange) {
  ++in_flight_;
  const size_t count = exchange->batch.commands.size();
  exchange->answers.resize(count);
  Bounded::run(
      count, exchange->batch.parallel ? kBatchWidth : 1,
      [this, exchange](size_t index, LaneTask next) {
        run_command(*exchange, index, [exchange, index, next = std::move(next)](Answer answer) mutable {
          exchange->answer_bytes += answer.result.size();
          exchange->answers[index] = std::move(answer);
          next();
        });
      },
      [this, exchange] {
        --in_flight_;
        exchange->responder->send(response_of(*exchange));
      });
}

void ApiService::run_command(Exchange& exchange, size_t index, AnswerFn done) {
  ++stats_.commands;
  Command& command = exchange.batch.commands[index];
  if (command.error) return done({std::move(command.error), {}});
  if (exchange.answer_bytes > kMaxAnswersBytes) {
    return done(
        {error(error_code::kLimitExceeded, "the answers before it are over 16 MiB: ask in smaller batches"),
         {}});
  }
  auto call = std::unique_ptr<Call>(new Call{context_, *command.method, exchange.key.config, exchange.remote,
                                             std::move(command.params), std::move(done)});
  command.method->run(std::move(call));
}

net::HttpResponse ApiService::response_of(Exchange& exchange) {
  std::string body;
  const auto write = [&](std::string_view name, const Answer& answer) {
    if (answer.error) ++stats_.errors;
    body.append("\"").append(answer.error ? "error" : name).append("\":");
    body.append(answer.error ? object_of(answer.error) : answer.result).append("}");
  };
  const std::vector<Command>& commands = exchange.batch.commands;
  if (exchange.form == Form::kOne) {
    const Answer& answer = exchange.answers.front();
    if (answer.error && exchange.transport_errors) {
      ++stats_.errors;
      return net::HttpResponse::json(status_of(answer.error), object_of(answer.error));
    }
    body = "{";
    write("result", answer);
  } else if (exchange.form == Form::kBatch) {
    body = "{\"replies\":[";
    for (size_t i = 0; i < commands.size(); ++i) {
      body += i == 0 ? "{" : ",{";
      write(commands[i].method == nullptr ? "" : commands[i].method->name, exchange.answers[i]);
    }
    body += "]}";
  } else {
    for (size_t i = 0; i < commands.size(); ++i) {
      body += i == 0 ? "{" : "\n{";
      if (commands[i].id != 0) body += "\"id\":" + std::to_string(commands[i].id) + ",";
      write("result", exchange.answers[i]);
    }
  }
  return net::HttpResponse::json(200, std::move(body));
}

}  // namespace lcg::gateway::api
