#include "broker/bus/bus_local.h"

#include "base/status.h"

namespace lcg {
namespace {

Response transport_failure() { return Outcome{make_error(error_code::kInternal), {}}; }

}  // namespace

// What the bus keeps for one lane. Touched on that lane only, once traffic has begun.
class BusLocal::Port {
 public:
  Port(Lane& lane_in, uint32_t number_in) : lane(lane_in), number(number_in) {}

  // Remembers who waits. The ticket names one wait for ever: a late or second answer finds nothing.
  uint64_t open(ResponseFn done) {
    if (free_.empty()) {
      free_.push_back(static_cast<uint32_t>(waits_.size()));
      waits_.emplace_back();
    }
    const uint32_t index = free_.back();
    free_.pop_back();
    waits_[index].done = std::move(done);
    return uint64_t{waits_[index].generation} << 32 | index;
  }
  bool is_open(uint64_t ticket) const {
    return waits_[static_cast<uint32_t>(ticket)].generation == static_cast<uint32_t>(ticket >> 32);
  }
  void arm(uint64_t ticket, Millis timeout) {
    waits_[static_cast<uint32_t>(ticket)].timer = lane.start_timer(timeout, [this, ticket] {
      if (is_open(ticket)) waits_[static_cast<uint32_t>(ticket)].timer = 0;
      settle(ticket, transport_failure());
    });
  }
  void settle(uint64_t ticket, Response response) {
    if (!is_open(ticket)) return;
    const auto index = static_cast<uint32_t>(ticket);
    Wait& wait = waits_[index];
    if (wait.timer != 0) lane.cancel_timer(wait.timer);
    wait.timer = 0;
    ++wait.generation;
    ResponseFn done = std::move(wait.done);
    free_.push_back(index);
    done(std::move(response));
  }

  void send(Port& to, Delivery delivery) {
    if (outbox_.size() <= to.number) outbox_.resize(to.number + 1);
    std::vector<Delivery>& box = outbox_[to.number].batch;
    if (box.empty()) {
      outbox_[to.number].to = &to;
      dirty_.push_back(to.number);
    }
    box.push_back(std::move(delivery));
    if (std::exchange(flush_armed_, true)) return;
    lane.at_turn_end([this] { flush(); });
  }

  Lane& lane;
  const uint32_t number;
  RequestHandler* handler = nullptr;
  DeliverySink* sink = nullptr;

 private:
  struct Wait {
    ResponseFn done;
    TimerId timer = 0;
    uint32_t generation = 1;
  };
  struct Box {
    Port* to = nullptr;
    std::vector<Delivery> batch;
  };

  void flush() {
    flush_armed_ = false;
    std::vector<uint32_t> dirty = std::move(dirty_);
    dirty_.clear();
    for (uint32_t target : dirty) {
      Port& to = *outbox_[target].to;
      std::vector<Delivery> batch = std::move(outbox_[target].batch);
      outbox_[target].batch.clear();
      if (&to == this) {
        hand_over(*to.sink, batch);
      } else {
        to.lane.post([sink = to.sink, moved = std::move(batch)]() mutable { hand_over(*sink, moved); });
      }
    }
  }
  static void hand_over(DeliverySink& to, std::vector<Delivery>& batch) {
    for (Delivery& delivery : batch) to.on_delivery(std::move(delivery));
  }

  std::vector<Wait> waits_;
  std::vector<uint32_t> free_;
  std::vector<Box> outbox_;      // by Port::number
  std::vector<uint32_t> dirty_;  // those with a batch
  bool flush_armed_ = false;
};

BusLocal::BusLocal(uint32_t slot_count, uint32_t broker_lane_count)
    : slot_count_(slot_count), brokers_(broker_lane_count) {
  if (slot_count == 0 || broker_lane_count == 0) die("a bus needs at least one slot and one broker lane");
}

BusLocal::~BusLocal() = default;

BusLocal::Port& BusLocal::add_port(Lane& lane) {
  const unsigned index = lane.index();
  if (ports_.size() <= index) ports_.resize(index + 1);
  if (ports_[index] == nullptr) ports_[index] = std::make_unique<Port>(lane, index);
  if (&ports_[index]->lane != &lane) die("two lanes of one bus have the same index");
  return *ports_[index];
}

BusLocal::Port& BusLocal::port_of(const Lane& lane) {
  const unsigned index = lane.index();
  if (index >= ports_.size() || ports_[index] == nullptr)
    die("the bus was used from a lane that was neither served nor attached");
  return *ports_[index];
}

void BusLocal::serve(uint32_t broker_lane, Lane& lane, RequestHandler& handler) {
  Port& port = add_port(lane);
  if (port.handler != nullptr) die("one lane serves two broker lanes");
  port.handler = &handler;
  brokers_.at(broker_lane) = &port;
}

void BusLocal::attach(GatewayAddress gateway, Lane& lane, DeliverySink& sink) {
  Port& port = add_port(lane);
  if (port.sink != nullptr) die("one lane attaches two gateways");
  port.sink = &sink;
  if (gateways_.size() <= gateway.lane) gateways_.resize(gateway.lane + 1);
  gateways_[gateway.lane] = &port;
}

BusLocal::Port* BusLocal::server_of(Port& asker, Target target) {
  switch (target.kind) {
    case Target::Kind::kAny:
      return asker.handler != nullptr ? &asker : brokers_[asker.number % brokers_.size()];
    case Target::Kind::kSlot:
      return target.index < slot_count_ ? brokers_[target.index % brokers_.size()] : nullptr;
    case Target::Kind::kLane:
      return target.index < brokers_.size() ? brokers_[target.index] : nullptr;
  }
  return nullptr;
}

void BusLocal::request(Lane& from, Target target, Request request, ResponseFn done, Millis timeout) {
  if (timeout.count() == 0) timeout = kDefaultTimeout;
  Port& asker = port_of(from);
  Port* server = server_of(asker, target);
  if (server == nullptr) return done(transport_failure());

  const uint64_t ticket = asker.open(std::move(done));
  if (server == &asker) {
    server->handler->on_request(std::move(request), [&asker, ticket](Response response) {
      asker.settle(ticket, std::move(response));
    });
    if (asker.is_open(ticket)) asker.arm(ticket, timeout);
    return;
  }
  const bool admitted =
      server->lane.try_post([server, &asker, ticket, request = std::move(request)]() mutable {
        server->handler->on_request(std::move(request), [&asker, ticket](Response response) {
          asker.lane.post([&asker, ticket, response = std::move(response)]() mutable {
            asker.settle(ticket, std::move(response));
          });
        });
      });
  if (!admitted) return asker.settle(ticket, transport_failure());
  asker.arm(ticket, timeout);
}

void BusLocal::tell(Lane& from, Target target, Request what) {
  Port& teller = port_of(from);
  Port* server = server_of(teller, target);
  if (server == nullptr) return;
  if (server == &teller) return server->handler->on_request(std::move(what), [](Response) {});
  server->lane.post([server, what = std::move(what)]() mutable {
    server->handler->on_request(std::move(what), [](Response) {});
  });
}

bool BusLocal::reaches(GatewayAddress gateway) const {
  return gateway.node == 0 && gateway.lane < gateways_.size() && gateways_[gateway.lane] != nullptr;
}

void BusLocal::deliver(Lane& from, GatewayAddress to, Delivery delivery) {
  if (!reaches(to)) return;
  port_of(from).send(*gateways_[to.lane], std::move(delivery));
}

}  // namespace lcg
