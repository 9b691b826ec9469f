#include "broker/registry/session_ends.h"

#include <algorithm>

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

bool matches(const Peer& peer, const DisconnectSessions& what) {
  if (what.session.empty() && what.user.empty() && what.device.empty() && what.auth.empty()) return false;
  return (what.session.empty() || what.session == peer.session) &&
         (what.user.empty() || what.user == peer.user) &&
         (what.device.empty() || what.device == peer.device) &&
         (what.auth.empty() || what.auth == peer.auth) &&
         std::find(what.except.begin(), what.except.end(), peer.session) == what.except.end();
}

void SessionEnds::remember(const DisconnectSessions& what) {
  const MonoTime now = lane_.now();
  while (!order_.empty() && now - order_.front().first >= kRemember) forget_oldest();
  if (order_.size() >= kMaxRemembered) {
    forgotten_ = order_.front().first;
    forget_oldest();
  }
  std::string key = key_of(what);
  ended_[key].push_back({what, now});
  order_.emplace_back(now, std::move(key));
}

void SessionEnds::forget_oldest() {
  const auto found = ended_.find(order_.front().second);
  order_.pop_front();
  found->second.pop_front();
  if (found->second.empty()) ended_.erase(found);
}

Outcome SessionEnds::refusal(const Peer& peer, MonoTime asked) {
  if (asked.ns == 0) return {};
  if (asked < forgotten_) return {make_error(error_code::kInternal), {}};
  if (ended_.empty()) return {};
  for (const auto& [kind, name] : {std::pair<char, std::string_view>('s', peer.session),
                                   {'u', peer.user},
                                   {'a', peer.auth},
                                   {'d', peer.device}}) {
    const auto found = ended_.find(key_of(kind, name));
    if (found == ended_.end()) continue;
    for (const Ended& ended : found->second)
      if (asked < ended.at && matches(peer, ended.what)) return {{}, ended.what.disconnect};
  }
  return {};
}

void SessionEnds::await(const std::vector<std::string>& sessions, GoneFn done) {
  if (sessions.empty()) return done(true);
  auto wait = std::make_shared<Wait>();
  wait->left = sessions.size();
  wait->done = std::move(done);
  for (const std::string& session : sessions) waits_[session].push_back(wait);
  wait->timer = lane_.start_timer(kPatience, [this, wait, sessions] {
    wait->timer = 0;
    for (const std::string& session : sessions) {
      const auto found = waits_.find(session);
      if (found == waits_.end()) continue;
      std::erase(found->second, wait);
      if (found->second.empty()) waits_.erase(found);
    }
    finish(*wait, false);
  });
}

void SessionEnds::gone(const std::string& session) {
  auto found = waits_.extract(session);
  if (found.empty()) return;
  for (const WaitPtr& wait : found.mapped()) {
    if (--wait->left > 0) continue;
    if (wait->timer != 0) lane_.cancel_timer(std::exchange(wait->timer, 0));
    finish(*wait, true);
  }
}

void SessionEnds::finish(Wait& wait, bool all) { std::exchange(wait.done, nullptr)(all); }

}  // namespace lcg::broker
