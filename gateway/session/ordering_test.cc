// The ordering contract (client-protocol 1.8 step 5) under random interleavings: whatever order publications,
// answers and deliveries come in, a client that follows the protocol as an SDK does misses nothing and sees
// nothing twice, and no push of a channel comes before the reply.
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <set>

#include "gateway/session/test_gateway.h"

namespace lcg::gateway {
namespace {

uint64_t number_after(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  return at == std::string_view::npos ? 0 : std::strtoull(line.data() + at + key.size(), nullptr, 10);
}

// Every publication's data is its offset.
std::vector<uint64_t> publications_in(std::string_view line) {
  std::vector<uint64_t> out;
  for (size_t at = line.find("\"data\":"); at != std::string_view::npos;
       at = line.find("\"data\":", at + 1)) {
    out.push_back(std::strtoull(line.data() + at + 7, nullptr, 10));
  }
  return out;
}

// An SDK's view of one channel.
struct View {
  enum class State { kUnsubscribed, kAsked, kSubscribed, kLeaving } state = State::kUnsubscribed;
  bool known = false;  // position is one to recover from
  uint64_t position = 0;
  bool wanted = false;
};

class OrderingRun {
 public:
  static constexpr size_t kClients = 3;
  static constexpr std::array<const char*, 2> kChannels = {"c", "dialog:1"};

  OrderingRun(uint64_t seed, bool lossy) : gateway_({}, seed), random_(seed), lossy_(lossy) {
    for (size_t i = 0; i < kClients; ++i) clients_.push_back({&gateway_.connected(), {}, {}, 10});
    gateway_.bus.on_request = [](const Request&) { return std::nullopt; };
  }

  // "" or what went wrong.
  std::string run() {
    for (int step = 0; step < 120 && error_.empty(); ++step) {
      const uint64_t what = random_.below(10);
      if (what < 3) {
        publish(random_.below(kChannels.size()));
      } else if (what < 5) {
        toggle(clients_[random_.below(kClients)], random_.below(kChannels.size()));
      } else {
        move_something();
      }
    }
    for (Client& client : clients_) {
      for (size_t c = 0; c < kChannels.size(); ++c) {
        if (!client.views[c].wanted) toggle(client, c);
      }
    }
    lossy_ = false;
    // A loss is noticed at the next publication.
    for (int round = 0; round < 3; ++round) {
      for (size_t c = 0; c < kChannels.size(); ++c) publish(c);
      while (move_something()) {
      }
    }
    for (const Client& client : clients_) {
      for (size_t c = 0; c < kChannels.size(); ++c) {
        const View& view = client.views[c];
        if (view.state != View::State::kSubscribed) fail("not subscribed at the end");
        if (view.position != streams_[c].size()) fail("not at the head at the end");
      }
      if (client.end->transport.close_code != 0) fail("closed");
    }
    return error_;
  }

 private:
  struct Client {
    TestGateway::Client* end;
    std::array<View, kChannels.size()> views;
    std::map<uint64_t, size_t> asked;  // command id -> channel
    uint64_t next_id;
  };
  struct Answer {
    Response response;
    ResponseFn done;
  };

  void fail(std::string what) {
    if (error_.empty()) error_ = std::move(what);
  }
  size_t channel_index(std::string_view name) { return name == kChannels[0] ? 0 : 1; }

  // ---- the broker: one slot, in order

  void publish(size_t c) {
    streams_[c].push_back(publication(streams_[c].size() + 1, std::to_string(streams_[c].size() + 1)));
    if (members_[c].empty()) return;
    if (lossy_ && random_.below(8) == 0) return;
    deliveries_.push_back(DeliverPublication{kChannels[c], streams_[c].back()});
  }
  void serve() {
    TestBus::Asked asked = std::move(gateway_.bus.waiting.front());
    gateway_.bus.waiting.pop_front();
    Response response = UnsubscribeResponse{};
    if (const auto* subscribe = std::get_if<SubscribeRequest>(&asked.request)) {
      const size_t c = channel_index(subscribe->channel);
      const auto& stream = streams_[c];
      members_[c].insert(subscribe->peer->session);
      SubscribeResponse answer;
      answer.recoverable = answer.positioned = true;
      answer.was_recovering = subscribe->recover;
      answer.position = {stream.size(), "E"};
      if (subscribe->recover && subscribe->since.offset <= stream.size()) {
        answer.recovered = true;
        answer.position.offset = subscribe->since.offset;
        answer.publications.assign(stream.begin() + static_cast<std::ptrdiff_t>(subscribe->since.offset),
                                   stream.end());
      }
      response = answer;
    } else if (const auto* unsubscribe = std::get_if<UnsubscribeRequest>(&asked.request)) {
      members_[channel_index(unsubscribe->channel)].erase(unsubscribe->peer->session);
    }
    answers_.push_back({std::move(response), std::move(asked.done)});
  }

  // Lets one of the things under way arrive; false: nothing is.
  bool move_something() {
    std::vector<int> can;
    if (!gateway_.bus.waiting.empty()) can.push_back(0);
    if (!answers_.empty()) can.push_back(1);
    if (!deliveries_.empty()) can.push_back(2);
    if (can.empty()) return false;
    switch (can[random_.below(can.size())]) {
      case 0:
        serve();
        break;
      case 1: {
        Answer answer = std::move(answers_.front());
        answers_.pop_front();
        gateway_.world.on(gateway_.world.lane(0), [&] { answer.done(std::move(answer.response)); });
        break;
      }
      default:
        gateway_.deliver(std::move(deliveries_.front()));
        deliveries_.pop_front();
    }
    if (random_.below(2) == 0) settle();
    if (gateway_.bus.waiting.empty() && answers_.empty() && deliveries_.empty()) settle();
    return true;
  }
  void settle() {
    gateway_.world.run_until_idle();
    for (Client& client : clients_) {
      for (const std::string& line : client.end->transport.take_lines()) read(client, line);
    }
  }

  // ---- the client

  void toggle(Client& client, size_t c) {
    View& view = client.views[c];
    view.wanted = !view.wanted;
    act(client, c);
  }
  void act(Client& client, size_t c) {
    View& view = client.views[c];
    const std::string id = std::to_string(client.next_id);
    const std::string channel = std::string("{\"channel\":\"") + kChannels[c] + "\"";
    if (view.wanted && view.state == View::State::kUnsubscribed) {
      std::string command = "{\"id\":" + id + ",\"subscribe\":" + channel;
      if (view.known)
        command += ",\"recover\":true,\"epoch\":\"E\",\"offset\":" + std::to_string(view.position);
      view.state = View::State::kAsked;
      send(client, c, command + "}}");
    } else if (!view.wanted && view.state == View::State::kSubscribed) {
      view.state = View::State::kLeaving;
      send(client, c, "{\"id\":" + id + ",\"unsubscribe\":" + channel + "}}");
    }
  }
  void send(Client& client, size_t c, const std::string& command) {
    client.asked[client.next_id++] = c;
    gateway_.world.on(gateway_.world.lane(0),
                      [&] { client.end->handler->on_message(command, ws::MessageKind::kText); });
  }
  void read(Client& client, const std::string& line) {
    if (line.starts_with("{\"push\"")) return read_push(client, line);
    const size_t c = client.asked.at(number_after(line, "\"id\":"));
    View& view = client.views[c];
    if (line.find("\"error\"") != std::string::npos) return fail(line);
    if (line.find("\"unsubscribe\"") != std::string::npos) {
      view.state = View::State::kUnsubscribed;
      return act(client, c);
    }
    if (view.state != View::State::kAsked) fail("a reply that was not asked for");
    view.state = View::State::kSubscribed;
    if (view.known && line.find("\"recovered\":true") == std::string::npos) fail("not recovered");
    view.known = true;
    view.position = line.find("\"publications\"") == std::string::npos ? number_after(line, "\"offset\":")
                                                                       : view.position;
    for (const uint64_t offset : publications_in(line)) take(view, offset);
    act(client, c);
  }
  void read_push(Client& client, const std::string& line) {
    const size_t c = line.find("\"channel\":\"c\"") != std::string::npos ? 0 : 1;
    View& view = client.views[c];
    if (line.find("\"unsubscribe\"") != std::string::npos) {
      if (!lossy_ && !lost_any_) fail("lost without a loss");
      // An SDK that is leaving has let go already.
      if (view.state == View::State::kSubscribed) {
        view.state = View::State::kUnsubscribed;
        act(client, c);
      }
      return;
    }
    if (view.state == View::State::kLeaving) return;
    if (view.state != View::State::kSubscribed) fail("a push before the reply");
    for (const uint64_t offset : publications_in(line)) take(view, offset);
  }
  void take(View& view, uint64_t offset) {
    if (offset != view.position + 1) {
      fail("at " + std::to_string(view.position) + " came " + std::to_string(offset));
    }
    view.position = offset;
  }

  TestGateway gateway_;
  SimRandom random_;
  bool lossy_;
  const bool lost_any_ = lossy_;
  std::array<std::vector<PublicationPtr>, kChannels.size()> streams_;
  std::array<std::set<std::string>, kChannels.size()> members_;
  std::deque<Answer> answers_;
  std::deque<Delivery> deliveries_;
  std::vector<Client> clients_;
  std::string error_;
};

TEST(Ordering, NothingIsLostOrRepeatedInAThousandInterleavings) {
  for (uint64_t seed = 1; seed <= 1000; ++seed) {
    const std::string error = OrderingRun(seed, false).run();
    ASSERT_EQ(error, "") << "seed " << seed;
  }
}

TEST(Ordering, LostDeliveriesAreNoticedAndRecovered) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    const std::string error = OrderingRun(seed, true).run();
    ASSERT_EQ(error, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace lcg::gateway
