// A subscriber of a Hub with one subscription, as a session would have it, and publications for it.
#pragma once
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/fanout/hub.h"
#include "gateway/fanout/test_transport.h"

namespace lcg::gateway {

// Its data is its offset.
inline std::shared_ptr<Publication> test_publication(uint64_t offset, std::string epoch = "E") {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = std::move(epoch);
  pub->data = SharedBytes(std::to_string(offset));
  return pub;
}

struct Subscriber final : SubscriptionOwner {
  explicit Subscriber(Hub& in, protocol::Variant with = {}) : hub(in), variant(with) {
    transport.framing = variant.framing;
  }
  ~Subscriber() { leave(); }
  void pend(std::string_view channel, bool collapsible = false) {
    subscription = std::make_unique<Subscription>(*this, transport, variant);
    hub.subscribe(channel, collapsible, *subscription);
  }
  void activate(uint64_t offset, bool tracked = true, bool join_leave = false, std::string epoch = "E") {
    hub.activate(*subscription, {.position = {offset, std::move(epoch)},
                                 .tracked = tracked,
                                 .join_leave = join_leave,
                                 .filter = filter,
                                 .batch_delay = batch_delay});
  }
  void join(std::string_view channel, uint64_t offset = 0, bool collapsible = false) {
    pend(channel, collapsible);
    activate(offset);
  }
  void leave() {
    if (subscription != nullptr) hub.remove(*subscription);
    subscription.reset();
  }
  void on_position_lost(Subscription&) override {
    ++lost;
    leave();
  }
  void on_unsubscribed(Subscription&, uint32_t code, std::string_view) override {
    ended_with = code;
    leave();
  }
  void on_inappropriate(Subscription&) override {
    ++inappropriate;
    leave();
  }
  // The offsets of the publications that came.
  std::vector<uint64_t> offsets() const {
    std::vector<uint64_t> out;
    for (const std::string& line : transport.lines) {
      const size_t at = line.find("\"data\":");
      if (at != std::string::npos) out.push_back(std::strtoull(line.c_str() + at + 7, nullptr, 10));
    }
    return out;
  }

  Hub& hub;
  const protocol::Variant variant;
  TagFilterPtr filter;
  Millis batch_delay{0};
  TestTransport transport;
  std::unique_ptr<Subscription> subscription;
  int lost = 0, inappropriate = 0;
  uint32_t ended_with = 0;
};

}  // namespace lcg::gateway
