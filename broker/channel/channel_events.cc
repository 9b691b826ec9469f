#include "broker/channel/channel_events.h"

#include <utility>

namespace lcg::broker {
namespace {

host::EventRequest event_of(uint32_t kind, const std::string& channel, uint32_t slot,
                            PeerPtr peer = nullptr) {
  host::EventRequest event;
  event.kind = kind;
  event.slot = slot;
  event.peer = std::move(peer);
  event.channel = channel;
  return event;
}

}  // namespace

bool ChannelEvents::wanted() const {
  return host_.wants_event(LCG_EVENT_SUBSCRIBE) || host_.wants_event(LCG_EVENT_UNSUBSCRIBE) ||
         host_.wants_event(LCG_EVENT_OCCUPIED) || host_.wants_event(LCG_EVENT_VACATED);
}

void ChannelEvents::subscribed(std::shared_ptr<const void> owner, const std::string& channel, uint32_t slot,
                               PeerPtr peer, uint64_t ticket, host::EventFn done) {
  Place place{std::move(owner), channel, slot};
  Waiting who{std::move(peer), ticket, std::move(done)};
  if (state_ == State::kOccupied) return tell_subscribed(place, std::move(who));
  waiting_.push_back(std::move(who));
  if (state_ == State::kVacant) tell_occupied(std::move(place));
}

void ChannelEvents::tell_occupied(Place place) {
  state_ = State::kTelling;
  host::EventRequest event = event_of(LCG_EVENT_OCCUPIED, place.channel, place.slot);
  host_.event(std::move(event),
              [this, place = std::move(place)](bool taken) { occupied_told(place, taken); });
}

void ChannelEvents::occupied_told(const Place& place, bool taken) {
  state_ = taken ? State::kOccupied : State::kVacant;
  // All who waited have gone.
  if (taken && members_.in_count() == 0) tell_vacated(place.channel, place.slot);
  for (Waiting& who : std::exchange(waiting_, {})) {
    if (taken)
      tell_subscribed(place, std::move(who));
    else
      who.done(false);
  }
}

void ChannelEvents::tell_subscribed(const Place& place, Waiting who) {
  Member* member = members_.find(who.peer->session);
  if (member == nullptr || member->ticket != who.ticket) return who.done(false);
  member->evented = true;
  host_.event(event_of(LCG_EVENT_SUBSCRIBE, place.channel, place.slot, who.peer),
              [owner = place.owner, done = std::move(who.done)](bool taken) mutable { done(taken); });
}

void ChannelEvents::tell_vacated(const std::string& channel, uint32_t slot) {
  state_ = State::kVacant;
  host_.event(event_of(LCG_EVENT_VACATED, channel, slot), [](bool) {});
}

void ChannelEvents::left(const std::string& channel, uint32_t slot, const Member& was, uint32_t code,
                         const std::string& reason) {
  if (was.evented) {
    host::EventRequest event = event_of(LCG_EVENT_UNSUBSCRIBE, channel, slot, was.peer);
    event.code = code;
    event.reason = reason;
    host_.event(std::move(event), [](bool) {});
  }
  if (state_ == State::kOccupied && members_.in_count() == 0) tell_vacated(channel, slot);
}

}  // namespace lcg::broker
