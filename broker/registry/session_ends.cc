#include "broker/registry/session_ends.h"

#include <algorithm>
#include <utility>

namespace lcg::broker {
namespace {

std::string key_of(char kind, std::string_view name) { return std::string(1, kind).append(name); }

// By the narrowest that it names, so that few are looked at for one peer.
std::string key_of(const DisconnectSessions& what) {
  if (!what.session.empty()) return key_of('s', what.session);
  if (!what.user.empty()) return key_of('u', what.user);
  if (!what.auth.empty()) return key_of('a', what.auth);
  return key_of('d', what.device);
}

}  // namespace

bool names_somebody(const DisconnectSessions& what) {
  return !what.session.empty() || !what.user.empty() || !what.device.empty() || !what.auth.empty();
}

bool matches(const Peer& peer, const DisconnectSessions& what) {
  return names_somebody(what) && (what.session.empty() || what.session == peer.session) &&
         (what.user.empty() || what.user == peer.user) &&
         (what.device.empty() || what.device == peer.device) &&
         (what.auth.empty() || what.auth == peer.auth) &&
         !std::binary_search(what.except.begin(), what.except.end(), peer.session);
}

// Somebody waits for the sessions that were told to close.
class SessionEnds::Wait {
 public:
  explicit Wait(GoneFn done) : done_(std::move(done)) {}
  bool over() const { return over_; }
  void add() { ++left_; }
  // True: that was the last one.
  bool less() { return --left_ == 0 && !over_; }
  void finish(bool all) {
    over_ = true;
    std::exchange(done_, nullptr)(all);
  }

  TimerId timer = 0;

 private:
  size_t left_ = 1;  // one for seal()
  bool over_ = false;
  GoneFn done_;
};

void SessionEnds::remember(const DisconnectSessions& what) {
  if (!names_somebody(what)) return;
  const MonoTime now = lane_.now();
  while (!order_.empty() && now - order_.front().first >= kRemember) forget_oldest();
  const size_t more = 1 + what.except.size();
  while (!order_.empty() && remembered_ + more > kMaxRemembered) {
    forgotten_ = order_.front().first;
    forget_oldest();
  }
  std::string key = key_of(what);
  ended_.try_emplace(key).first->value.push_back({what, now});
  order_.emplace_back(now, std::move(key));
  remembered_ += more;
}

void SessionEnds::forget_oldest() {
  auto* found = ended_.find(order_.front().second);
  remembered_ -= 1 + found->value.front().what.except.size();
  found->value.pop_front();
  if (found->value.empty()) ended_.erase(order_.front().second);
  order_.pop_front();
}

Outcome SessionEnds::refusal(const Peer& peer, MonoTime asked) {
  if (asked.ns == 0) return {};
  if (asked < forgotten_) return {make_error(error_code::kInternal), {}};
  if (ended_.empty()) return {};
  for (const auto& [kind, name] : {std::pair<char, std::string_view>('s', peer.session),
                                   {'u', peer.user},
                                   {'a', peer.auth},
                                   {'d', peer.device}}) {
    const auto* found = ended_.find(key_of(kind, name));
    if (found == nullptr) continue;
    for (const Ended& ended : found->value)
      if (asked < ended.at && matches(peer, ended.what)) return {{}, ended.what.disconnect};
  }
  return {};
}

SessionEnds::WaitPtr SessionEnds::await(GoneFn done) { return std::make_shared<Wait>(std::move(done)); }

void SessionEnds::add(const WaitPtr& wait, const std::string& session) {
  std::vector<WaitPtr>& others = waits_.try_emplace(session).first->value;
  std::erase_if(others, [](const WaitPtr& other) { return other->over(); });
  others.push_back(wait);
  wait->add();
}

void SessionEnds::seal(const WaitPtr& wait) {
  if (wait->less()) return wait->finish(true);
  wait->timer = lane_.start_timer(kPatience, [wait] { wait->finish(false); });
}

void SessionEnds::gone(const std::string& session) {
  const std::optional<std::vector<WaitPtr>> waits = waits_.take(session);
  if (!waits) return;
  for (const WaitPtr& wait : *waits) {
    if (!wait->less()) continue;
    lane_.cancel_timer(wait->timer);
    wait->finish(true);
  }
}

}  // namespace lcg::broker
