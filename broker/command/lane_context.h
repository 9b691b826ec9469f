// What the commands of one broker lane work with. Owned by BrokerLane; lane: its own.
#pragma once
#include "broker/channel/channel.h"
#include "broker/config.h"
#include "broker/slot/slots.h"

namespace lcg::broker {

struct LaneContext {
  Lane& lane;
  Bus& bus;
  host::PluginHost& host;
  const BrokerConfig& config;
  const Namespaces& namespaces;
  const Slots& slots;
  uint32_t number;  // of the broker lane

  uint32_t slot_of(std::string_view key) const { return slot_of_key(key, slots.count()); }
  bool owns(uint32_t slot) const { return slots.lane_of(slot) == number; }
};

// Why a walk over `what` has no answer: error 100, temporary.
inline Outcome too_long_a_walk(std::string_view what) {
  Outcome out;
  out.error = make_error(error_code::kInternal);
  out.error.message.append(": ").append(what).append(" could not be gone through in time: ask again");
  return out;
}

// Any answer type, failed with a standard code.
template <class Response>
Response failed(uint32_t code) {
  Response out;
  out.error = make_error(code);
  return out;
}
template <class Response>
Response failed(Outcome why) {
  Response out;
  static_cast<Outcome&>(out) = std::move(why);
  return out;
}

}  // namespace lcg::broker
