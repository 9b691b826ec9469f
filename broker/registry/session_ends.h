// SessionEnds: what makes a disconnect final before it is acknowledged.
//
// Two things outlive the walk over the sessions there are. A connect that the plugins let in before the disconnect
// and that binds after it: what was disconnected is remembered for kRemember, and a bind that its client asked for
// before is refused as the disconnect says. And the sessions that were told to close: the disconnect is answered when
// their gateways have said that they are gone, so that whoever hears the answer finds no open way in.
//
// When a bind was asked for and when something was disconnected are read from one clock: gateways are of this node. A
// bus over several nodes has to say how long ago instead. Lane: the registry's.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/growing_map.h"
#include "base/lane.h"
#include "broker/api/bus.h"

namespace lcg::broker {

// Does it name anybody at all?
bool names_somebody(const DisconnectSessions& what);
// Does every non-empty field of `what` name this peer? False when it names nobody. REQUIRES: `what.except` is sorted.
bool matches(const Peer& peer, const DisconnectSessions& what);

class SessionEnds {
 public:
  // All of them are gone, or (false) kPatience is over.
  using GoneFn = UniqueFunction<void(bool all)>;

  explicit SessionEnds(Lane& lane) : lane_(lane) {}

  // From now on a bind of what `what` names is refused if it was asked for before. REQUIRES: `what.except` is sorted.
  void remember(const DisconnectSessions& what);
  // Why a bind that was asked for at `asked` is refused; ok: it is not. `asked` 0: nobody said, and nothing is known.
  Outcome refusal(const Peer& peer, MonoTime asked);

  class Wait;
  using WaitPtr = std::shared_ptr<Wait>;
  // `done` runs once: when all that are added are gone, but not before seal().
  WaitPtr await(GoneFn done);
  // It has been told to close.
  void add(const WaitPtr& wait, const std::string& session);
  // That was all. `done` may run before the return; else it is patient from here on.
  void seal(const WaitPtr& wait);
  // The gateway of the session says that it is gone.
  void gone(const std::string& session);

  // Twice as long as a connect may take: a gateway gives it up after Bus::kDefaultTimeout, and opens no session then.
  static constexpr Nanos kRemember = 2 * Bus::kDefaultTimeout;
  // Disconnects, with the sessions that each excepts; beyond it the oldest are forgotten, and who asked before is refused.
  static constexpr size_t kMaxRemembered = 20'000;
  static constexpr Millis kPatience{2'000};  // for a gateway to close

 private:
  struct Ended {
    DisconnectSessions what;
    MonoTime at;
  };

  void forget_oldest();

  Lane& lane_;
  GrowingMap<std::string, std::deque<Ended>> ended_;     // by the narrowest that it names
  std::deque<std::pair<MonoTime, std::string>> order_;   // of ended_: each stands for the oldest of its key
  size_t remembered_ = 0;                                // as kMaxRemembered counts
  MonoTime forgotten_;                                   // of the latest that was forgotten too early
  GrowingMap<std::string, std::vector<WaitPtr>> waits_;  // by session
};

}  // namespace lcg::broker
