// Members: the sessions of one channel, and what presence tells of them. Interest: the gateway lanes that
// hold them.
//
// A session is a member from the moment it asks to subscribe, so that an unsubscribe that overtakes a slow
// answer takes it out for good; it is heard of by others (presence, join, leave) once it is in. No time to
// live: a gateway unsubscribes every session it loses, and a gateway that is gone takes its sessions along.
// Bounded by the sessions of the gateways times the channels a session may have. One lane.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

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

struct Member {
  PeerPtr peer;
  SharedBytes chan_info;
  uint64_t ticket = 0;  // of the subscribe that made it
  bool listening = false;
  bool in = false;
};

class Members {
 public:
  explicit Members(bool count_users) : count_users_(count_users) {}

  // A session asks to subscribe; one that is a member already starts over, its listening goes on.
  Member& ask(PeerPtr peer);
  Member* find(std::string_view session);
  // From here on the session's gateway gets the deliveries.
  void listen(Member& member);
  void admit(Member& member, SharedBytes chan_info);
  // What it was; peer is null when it was no member.
  Member remove(std::string_view session);
  // Those that match all non-empty arguments, as they were. Without a session every member is looked at.
  // REQUIRES: session or user is set.
  std::vector<Member> remove_matching(std::string_view session, std::string_view user);

  bool empty() const { return by_session_.empty(); }
  uint32_t in_count() const { return in_; }
  // REQUIRES: count_users. Distinct users among those in.
  uint32_t user_count() const { return static_cast<uint32_t>(users_.size()); }
  const Interest& interest() const { return interest_; }
  // Those in, in no particular order.
  std::vector<ClientInfo> list() const;

 private:
  void retire(Member& member);

  const bool count_users_;
  uint64_t last_ticket_ = 0;
  uint32_t in_ = 0;
  std::unordered_map<std::string_view, Member> by_session_;  // the key lives in the member's peer
  std::unordered_map<std::string, uint32_t> users_;          // sessions in, by user
  Interest interest_;
};

ClientInfo info_of(const Member& member);

}  // namespace lcg::broker
