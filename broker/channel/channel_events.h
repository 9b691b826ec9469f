// ChannelEvents: what plugins are told of one channel's subscribers (lcg/ext/events.h), in the order in which it
// happened.
//
// A subscriber is answered when all who want to know have taken "occupied", if it is the first, and "subscribe".
// Subscribers that come while "occupied" is under way wait for it and fail with it, so nobody is ever in a channel
// that was not told to be occupied. Whoever was told to have subscribed is told to have left, also when its own
// answer was an error. Owned by its channel; one lane.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/host/plugin_host.h"
#include "broker/presence/members.h"

namespace lcg::broker {

class ChannelEvents {
 public:
  ChannelEvents(host::PluginHost& host, Members& members) : host_(host), members_(members) {}

  // Somebody wants to know of subscribers. Else the functions below need not be called.
  bool wanted() const;
  // An "occupied" is under way: the channel must not be forgotten.
  bool telling() const { return state_ == State::kTelling; }

  // The member that asked with `ticket` is in. `done` once, before or after the return: false if a plugin did not
  // take an event, or the member has left meanwhile. `owner` is kept alive until then and owns this.
  void subscribed(std::shared_ptr<const void> owner, const std::string& channel, uint32_t slot, PeerPtr peer,
                  uint64_t ticket, host::EventFn done);
  // `was` has been taken out of the members.
  void left(const std::string& channel, uint32_t slot, const Member& was, uint32_t code,
            const std::string& reason);

 private:
  enum class State : uint8_t { kVacant, kTelling, kOccupied };
  struct Waiting {
    PeerPtr peer;
    uint64_t ticket;
    host::EventFn done;
  };
  // Where the events are about.
  struct Place {
    std::shared_ptr<const void> owner;
    const std::string& channel;
    uint32_t slot;
  };
  void tell_occupied(Place place);
  void occupied_told(const Place& place, bool taken);
  void tell_subscribed(const Place& place, Waiting who);
  void tell_vacated(const std::string& channel, uint32_t slot);

  host::PluginHost& host_;
  Members& members_;
  State state_ = State::kVacant;
  std::vector<Waiting> waiting_;  // for "occupied"
};

}  // namespace lcg::broker
