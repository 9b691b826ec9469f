#include "gateway/net/proxy_gate.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lcg::net {

using ws::IoResult;

class ProxyGate::Pending final : private ws::StreamObserver {
 public:
  Pending(ProxyGate& gate, ws::StreamPtr stream, Done done)
      : gate_(gate), stream_(std::move(stream)), done_(std::move(done)) {
    stream_->set_observer(this);
    timer_ = gate_.lane_.start_timer(gate_.timeout_, [this] {
      timer_ = 0;
      gate_.finish(*this, false);
    });
    stream_->wait_readable();
  }
  ~Pending() {
    if (timer_ != 0) gate_.lane_.cancel_timer(timer_);
  }
  Pending(const Pending&) = delete;
  Pending& operator=(const Pending&) = delete;

  // The client's turn. `this` is not in the gate any more.
  void hand_over() { done_(std::move(stream_), parser_.source()); }

 private:
  void on_readable() override {
    char buffer[512];
    for (;;) {
      const size_t wanted = std::min(parser_.wanted(), sizeof buffer);
      const IoResult result = stream_->read_some({buffer, wanted});
      if (result.status == IoResult::Status::kWouldBlock) return stream_->wait_readable();
      if (result.status != IoResult::Status::kOk) return gate_.finish(*this, false);
      const ProxyParser::State state = parser_.feed({buffer, result.bytes});
      if (state == ProxyParser::State::kDone) return gate_.finish(*this, true);
      if (state == ProxyParser::State::kRefused) {
        log::debug("a PROXY header was refused",
                   {{"peer", stream_->remote_address().text()}, {"reason", parser_.reason()}});
        return gate_.finish(*this, false);
      }
    }
  }
  void on_writable() override {}

  ProxyGate& gate_;
  ws::StreamPtr stream_;
  Done done_;
  ProxyParser parser_;
  TimerId timer_ = 0;
};

ProxyGate::ProxyGate(Lane& lane, std::chrono::milliseconds timeout) : lane_(lane), timeout_(timeout) {}
ProxyGate::~ProxyGate() = default;

void ProxyGate::start(ws::StreamPtr stream, Done done) {
  pending_.push_back(std::make_unique<Pending>(*this, std::move(stream), std::move(done)));
}

void ProxyGate::close_all() { pending_.clear(); }

void ProxyGate::finish(Pending& pending, bool good) {
  const auto at = std::find_if(pending_.begin(), pending_.end(),
                               [&](const std::unique_ptr<Pending>& one) { return one.get() == &pending; });
  const std::unique_ptr<Pending> finished = std::move(*at);
  *at = std::move(pending_.back());
  pending_.pop_back();
  if (good) finished->hand_over();
}

}  // namespace lcg::net
