// Bus: how gateways and slots reach each other. Two implementations, in-process (broker/bus/bus_local.h) and,
// later, NATS; one conformance suite (tests/conformance/bus_suite.h) that each must pass.
//
// Obligations of an implementation
//  - request: `done` runs exactly once on the asking lane: with the answer, or with error 100 (temporary)
//  when the
//    deadline passes, the target is gone or its mailbox is full. It MAY run before request() returns when the
//    target is on the same lane and answers at once: callers must be ready for that.
//  - tell: as a request whose answer nobody wants, but a local bus refuses none and loses none. For what admitted work
//    leaves behind (a session that is gone), of which there is no more than was admitted.
//  - Requests and what is told from one lane to one slot arrive in the order they were made.
//  - deliver: at most once; deliveries from one slot to one gateway lane arrive in order. A local bus loses
//  none.
//  - Nothing is copied that is shared already: payloads cross as SharedBytes and shared_ptr to const.
#pragma once
#include "base/function.h"
#include "base/lane.h"
#include "broker/api/delivery.h"
#include "broker/api/requests.h"

namespace lcg {

// Where a request goes.
struct Target {
  enum class Kind : uint8_t { kAny, kSlot, kLane };
  Kind kind = Kind::kAny;
  uint32_t index = 0;  // slot or broker lane
  static Target any() { return {}; }
  static Target slot(uint32_t s) { return {Kind::kSlot, s}; }
  static Target lane(uint32_t l) { return {Kind::kLane, l}; }
};

using ResponseFn = UniqueFunction<void(Response)>;

// A broker lane. Called on its own lane. `done` is called exactly once, at once or later, on the same lane.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  virtual void on_request(Request request, ResponseFn done) = 0;
};

// A gateway lane. Called on its own lane.
class DeliverySink {
 public:
  virtual ~DeliverySink() = default;
  virtual void on_delivery(Delivery delivery) = 0;
};

class Bus {
 public:
  virtual ~Bus() = default;
  virtual uint32_t slot_count() const = 0;
  virtual uint32_t broker_lane_count() const = 0;

  // Before any traffic; on no particular lane.
  virtual void serve(uint32_t broker_lane, Lane& lane, RequestHandler& handler) = 0;
  virtual void attach(GatewayAddress gateway, Lane& lane, DeliverySink& sink) = 0;

  // On lane `from`. Timeout 0: kDefaultTimeout.
  virtual void request(Lane& from, Target target, Request request, ResponseFn done,
                       Millis timeout = Millis(0)) = 0;
  // On lane `from`.
  virtual void tell(Lane& from, Target target, Request what) {
    request(from, target, std::move(what), [](Response) {});
  }
  // Would deliver() to it find a gateway lane? Any lane that is served or attached.
  virtual bool reaches(GatewayAddress gateway) const = 0;
  // Any lane that is served or attached.
  virtual void deliver(Lane& from, GatewayAddress to, Delivery delivery) = 0;

  static constexpr Millis kDefaultTimeout{
      5000};  // the stock SDK's own command timeout (client-protocol 1.11)
};

// bus.request with the answer's own type: a request that failed in transport gives a default answer with
// error 100.
template <class R, class Fn>
void ask(Bus& bus, Lane& from, Target target, R request, Fn done, Millis timeout = Millis(0)) {
  using Answer = typename ResponseOf<R>::type;
  bus.request(from, target, Request(std::move(request)),
              ResponseFn([done = std::move(done)](Response response) mutable {
                if (auto* answer = std::get_if<Answer>(&response)) return done(std::move(*answer));
                Answer failed{};
                if constexpr (std::is_base_of_v<Outcome, Answer>) {
                  auto* outcome = std::get_if<Outcome>(&response);
                  failed.error = outcome != nullptr && outcome->error ? outcome->error
                                                                      : make_error(error_code::kInternal);
                  if (outcome != nullptr && outcome->disconnect) failed.disconnect = outcome->disconnect;
                }
                if constexpr (std::is_same_v<Answer, ServiceCallResponse>)
                  failed.status = -8;  // LCG_E_UNAVAILABLE
                done(std::move(failed));
              }),
              timeout);
}

// Hash of a partition key; "@<n>" names slot n itself. Stable for ever: it decides where data lives (XXH3 64,
// seed 0).
uint32_t slot_of_key(std::string_view key, uint32_t slot_count);
// The partition key of a channel: the user of a personal channel "#user" (as the name has it); the part after ':' in a namespace
// that has a provider (told by the caller); else the whole name.
std::string_view key_of_channel(std::string_view channel, bool has_provider);

}  // namespace lcg
