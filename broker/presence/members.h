// Members: the sessions of one channel, and what presence tells of them. Interest: the gateway lanes that
// hold them.
//
// A session is a member from the moment it asks to subscribe, so that an unsubscribe that overtakes a slow
// answer takes it out for good; it is heard of by others (presence, join, leave) once it is in, as far as the
// namespace or whoever let it in wants that. No time to live: a gateway unsubscribes every session it loses, and a gateway that is gone takes its sessions along.
// Bounded by the sessions of the gateways times the channels a session may have. One lane.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/growing_map.h"
#include "broker/api/types.h"

namespace lcg::broker {

// How many sessions of each gateway lane listen. Few entries, walked on every publication.
class Interest {
 public:
  void add(GatewayAddress gateway);
  void remove(GatewayAddress gateway);

  template <class Fn>
  void for_each(Fn&& fn) const {
    for (const Entry& entry : entries_) fn(entry.gateway);
  }
  bool empty() const { return entries_.empty(); }

 private:
  struct Entry {
    GatewayAddress gateway;
    uint32_t sessions;
  };
  std::vector<Entry> entries_;
};

// What a member is once it is in.
struct Admission {
  SharedBytes chan_info;
  bool present = false;         // presence tells of it
  bool takes_delta = false;     // patches are of use to it
  bool server_refresh = false;  // of its credentials
};

struct Member {
  PeerPtr peer;
  uint64_t ticket = 0;  // of the subscribe that made it
  bool listening = false;
  bool in = false;
  bool answered = false;   // and knows it
  bool evented = false;    // plugins were told that it subscribed
  bool announced = false;  // others were told that it joined
  Admission as;            // while in
};

class Members {
 public:
  // A session asks to subscribe; one that is a member already starts over, its listening goes on.
  Member& ask(PeerPtr peer);
  Member* find(std::string_view session);
  // The session of `peer`, should it be a member, is shown as it says from here on. REQUIRES: the same user and gateway.
  void change(PeerPtr peer);
  // From here on the session's gateway gets the deliveries.
  void listen(Member& member);
  void admit(Member& member, Admission as);
  // What it was; peer is null when it was no member.
  Member remove(std::string_view session);
  // Those that match all non-empty arguments. Without a session every member is looked at.
  // REQUIRES: session or user is set.
  std::vector<PeerPtr> matching(std::string_view session, std::string_view user);

  bool empty() const { return by_session_.empty(); }
  uint32_t in_count() const { return in_; }
  uint32_t delta_count() const { return deltas_; }
  // Of those present: sessions, and distinct users.
  uint32_t present_count() const { return present_; }
  uint32_t user_count() const { return static_cast<uint32_t>(users_.size()); }
  const Interest& interest() const { return interest_; }
  // Those present, in no particular order.
  std::vector<ClientInfo> list() const;

 private:
  void retire(Member& member);

  uint64_t last_ticket_ = 0;
  uint32_t in_ = 0, present_ = 0, deltas_ = 0;
  GrowingMap<std::string_view, Member> by_session_;  // the key lives in the member's peer
  GrowingMap<std::string, uint32_t> users_;          // sessions present, by user
  Interest interest_;
};

ClientInfo info_of(const Member& member);

}  // namespace lcg::broker
