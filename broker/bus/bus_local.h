// BusLocal: the bus of one process. A slot's broker lane is slot mod lanes.
//
// Same lane: a request is a plain call. Another lane: one post each way; a full mailbox answers error 100 at
// once, and what is told goes in all the same. Deliveries of one turn to one gateway lane travel as one post (or, on the same lane, as a loop at the
// turn's end), so a sink is never entered from inside a request, and an answer given in a turn arrives before
// the turn's deliveries. Deliveries are never refused: each comes from a request that a bounded mailbox has
// admitted.
//
// Built and wired (serve, attach) before the lanes run; outlives them. Lane::index must be unique among its
// lanes.
#pragma once
#include <memory>
#include <vector>

#include "broker/api/bus.h"

namespace lcg {

class BusLocal final : public Bus {
 public:
  BusLocal(uint32_t slot_count, uint32_t broker_lane_count);
  ~BusLocal() override;

  uint32_t slot_count() const override { return slot_count_; }
  uint32_t broker_lane_count() const override { return static_cast<uint32_t>(brokers_.size()); }
  void serve(uint32_t broker_lane, Lane& lane, RequestHandler& handler) override;
  void attach(GatewayAddress gateway, Lane& lane, DeliverySink& sink) override;
  void request(Lane& from, Target target, Request request, ResponseFn done,
               Millis timeout = Millis(0)) override;
  void tell(Lane& from, Target target, Request what) override;
  bool reaches(GatewayAddress gateway) const override;
  void deliver(Lane& from, GatewayAddress to, Delivery delivery) override;

 private:
  class Port;
  Port& port_of(const Lane& lane);
  Port& add_port(Lane& lane);
  Port* server_of(Port& asker, Target target);

  const uint32_t slot_count_;
  std::vector<std::unique_ptr<Port>> ports_;  // by Lane::index
  std::vector<Port*> brokers_;                // by broker lane
  std::vector<Port*> gateways_;               // by gateway lane of node 0
};

}  // namespace lcg
