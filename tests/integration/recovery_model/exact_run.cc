#include "tests/integration/recovery_model/exact_run.h"

#include <algorithm>
#include <utility>

namespace lcg::recovery_model {
namespace {

constexpr unsigned kClients = 3;
constexpr uint32_t kSlots = 16;
constexpr const char* kChannel = "c:a";
constexpr uint64_t kMaxRecovered = 300;

broker::ChannelOptions draw_options(SimRandom& random) {
  const auto below = [&](uint64_t bound) { return random.next() % bound; };
  constexpr uint32_t sizes[] = {1, 3, 10, 10, 400};
  constexpr int64_t ttls[] = {1'000, 10'000, 100'000};
  broker::ChannelOptions options;
  options.name = "c";
  options.history_size = sizes[below(std::size(sizes))];
  options.history_ttl = Millis(ttls[below(std::size(ttls))]);
  options.history_meta_ttl = options.history_ttl + Millis(below(2) == 0 ? 50'000 : 5'000'000);
  options.recovery_mode = below(3) == 0 ? broker::RecoveryMode::kCache : broker::RecoveryMode::kStream;
  options.auto_cache_recover = options.recovery_mode == broker::RecoveryMode::kCache && below(2) == 0;
  options.force_recovery = options.subscribe.for_client = true;
  options.allow_fossil = below(3) != 0;
  options.delta_publish = options.allow_fossil && below(2) == 0;
  options.presence = options.join_leave = below(2) == 0;
  return options;
}

broker::BrokerConfig config_with(broker::ChannelOptions options) {
  broker::BrokerConfig config;
  config.namespaces = {std::move(options)};
  return config;
}

Sent sent_of(const Publication& publication, bool patch) {
  return {publication.offset, std::string((patch ? publication.patch : publication.data).view()), patch};
}

}  // namespace

void Facts::add(const Facts& other) {
  published += other.published;
  taken += other.taken;
  patched += other.patched;
  recovered += other.recovered;
  lost += other.lost;
  restarts += other.restarts;
}

struct ExactRun::Life {
  Life(uint64_t seed, broker::ChannelOptions options)
      : world(seed, 1 + kClients),
        config(config_with(std::move(options))),
        namespaces(config.without_namespace, config.namespaces),
        broker({world.lane(0), bus, host, config, namespaces, slots, 0}) {
    bus.serve(0, world.lane(0), broker);
  }
  SimWorld world;
  broker::BrokerConfig config;
  broker::Namespaces namespaces;
  broker::Slots slots{kSlots, 1};
  BusLocal bus{kSlots, 1};
  broker::FakeStore store;
  broker::FakePluginHost host{world.lane(0), store};
  broker::BrokerLane broker;
};

// A client with a gateway lane to itself. The gateway's part: it holds what comes before the answer, drops what the
// client has, and knows a gap.
class ExactRun::Client final : public DeliverySink {
 public:
  Client(ExactRun& run, unsigned number)
      : run_(run), follower("client " + std::to_string(number), "", run.is_cached()), number_(number) {}

  void attach() {
    run_.life_->bus.attach({0, number_}, run_.life_->world.lane(1 + number_), *this);
    subscribed = lost = false;
  }
  PeerPtr peer() const {
    auto out = std::make_shared<Peer>();
    out->session = "s" + std::to_string(number_);
    out->user = "u" + std::to_string(number_ % 2);
    out->gateway = {0, number_};
    return out;
  }
  void answered(const SubscribeResponse& answer) {
    subscribed = true;
    lost = false;
    at_ = answer.position;
    if (!answer.publications.empty()) at_.offset = answer.publications.back()->offset;
    has_base_ = !answer.publications.empty();
  }

  void on_delivery(Delivery delivery) override {
    const auto* is = std::get_if<DeliverPublication>(&delivery);
    if (is == nullptr || !subscribed || lost) return;
    if (run_.below(100) < run_.loss_percent_) return;
    const Publication& publication = *is->publication;
    if (publication.offset == 0) return follower.take(next(publication, false));
    if (publication.epoch != at_.epoch || publication.offset > at_.offset + 1) {
      lost = true;
      return;
    }
    if (publication.offset <= at_.offset) return;
    at_.offset = publication.offset;
    const bool patch = takes_delta && has_base_ && !publication.patch.empty();
    if (run_.once(Mutation::kDrops)) return;
    if (patch && run_.once(Mutation::kOldBase)) return follower.take(older_);
    const Sent now = next(publication, patch);
    follower.take(now);
    if (run_.once(Mutation::kRepeats)) follower.take(now);
  }

 private:
  Sent next(const Publication& publication, bool patch) {
    has_base_ = true;
    Sent out = sent_of(publication, patch);
    if (patch) older_ = {publication.offset + 1, out.data, true};
    return out;
  }

  ExactRun& run_;

 public:
  Follower follower;
  bool subscribed = false;
  bool lost = false;  // there was a gap: it has to subscribe again
  bool takes_delta = false;

 private:
  const unsigned number_;
  StreamPosition at_;
  bool has_base_ = false;
  Sent older_;
};

ExactRun::ExactRun(uint64_t seed, Mutation mutation)
    : random_(SimRandom(seed).next()),
      seed_(seed),
      mutation_(mutation),
      options_(draw_options(random_)),
      loss_percent_(below(2) == 0 ? 0 : static_cast<unsigned>(below(20))),
      publisher_(random_) {
  for (unsigned i = 0; i < kClients; ++i) clients_.push_back(std::make_unique<Client>(*this, i));
  restart();
}
ExactRun::~ExactRun() = default;

bool ExactRun::once(Mutation mutation) {
  if (mutation_ != mutation || mutated_ || below(8) != 0) return false;
  return mutated_ = true;
}

MonoTime ExactRun::now() { return life_->world.clock().mono(); }

template <class R>
typename R::Answer ExactRun::get(R request) {
  std::optional<typename R::Answer> out;
  SimLane& from = life_->world.lane(1);
  life_->world.on(from, [&] {
    ask(life_->bus, from, Target::lane(0), std::move(request),
        [&out](auto answer) { out = std::move(answer); });
  });
  life_->world.run_until([&] { return out.has_value(); });
  life_->world.run_until_idle();
  return std::move(*out);
}

void ExactRun::expire() {
  if (!history_.kept.empty() && now() >= history_.last_append + options_.history_ttl) history_.kept.clear();
}

// An answer names the channel's epoch. Another one than before is a loss that must have a reason.
void ExactRun::use(const std::string& epoch) {
  if (!history_.epoch.empty() && epoch != history_.epoch) {
    if (now() < history_.last_use + options_.history_meta_ttl)
      wrong_.push_back("the epoch changed for no reason");
    history_ = {};
  }
  history_.epoch = epoch;
  history_.last_use = now();
  expire();
}

void ExactRun::restart() {
  if (life_ != nullptr) ++facts_.restarts;
  life_ = std::make_unique<Life>(seed_ * 64 + facts_.restarts, options_);
  history_ = {};
  for (auto& client : clients_) client->attach();
}

void ExactRun::publish() {
  ServerPublish next = publisher_.next(kChannel);
  const std::string data(next.publication.data.view());
  const Tags tags = next.options.tags;
  const bool kept = !next.options.skip_history;
  const PublishResponse answer = get(std::move(next));
  ++facts_.published;
  if (!answer.ok()) return wrong_.push_back("a publication was refused: " + answer.error.message);
  if (!kept) return truth_.published_unkept(data);
  use(answer.position.epoch);
  if (answer.position.offset != ++history_.top) wrong_.push_back("a publication is not at the next offset");
  truth_.published(answer.position, {data, tags});
  history_.last_append = now();
  history_.kept.push_back(history_.top);
  if (history_.kept.size() > options_.history_size) history_.kept.pop_front();
}

// Under one key, or one version: the second is the first.
void ExactRun::publish_twice() {
  ServerPublish first = publisher_.next(kChannel);
  first.options.skip_history = false;
  first.options.idempotency_key = "key " + std::to_string(facts_.published);
  ServerPublish second = first;
  const std::string data(first.publication.data.view());
  const Tags tags = first.options.tags;
  const PublishResponse answer = get(std::move(first));
  const PublishResponse again = get(std::move(second));
  ++facts_.published;
  use(answer.position.epoch);
  if (answer.position.offset != ++history_.top || again.position != answer.position)
    wrong_.push_back("a repeat is not the first one");
  truth_.published(answer.position, {data, tags});
  history_.last_append = now();
  history_.kept.push_back(history_.top);
  if (history_.kept.size() > options_.history_size) history_.kept.pop_front();
}

void ExactRun::read_history() {
  HistoryRequest request{kChannel, nullptr, below(2) == 0, below(2) == 0, {}, 0};
  request.limit = static_cast<int32_t>(below(12)) - 1;
  request.since.offset = request.has_since ? 1 + below(history_.top + 2) : 0;
  const bool has_since = request.has_since, reverse = request.reverse;
  const uint64_t since = request.since.offset;
  const size_t limit = request.limit < 0 ? kMaxRecovered : static_cast<size_t>(request.limit);
  const HistoryResponse answer = get(std::move(request));
  use(answer.position.epoch);
  std::vector<uint64_t> expected;
  for (const uint64_t offset : history_.kept)
    if (!has_since || (reverse ? offset < since : offset > since)) expected.push_back(offset);
  if (reverse) std::reverse(expected.begin(), expected.end());
  expected.resize(std::min(expected.size(), limit));
  std::vector<uint64_t> got;
  for (const PublicationPtr& publication : answer.publications) got.push_back(publication->offset);
  if (got != expected || answer.position.offset != history_.top) wrong_.push_back("history is another one");
}

void ExactRun::remove_history() {
  get(HistoryRemove{kChannel});
  history_.kept.clear();
}

void ExactRun::subscribe(Client& client) {
  const bool asks = client.follower.position() && below(10) != 0;
  SubscribeRequest request;
  request.channel = kChannel;
  request.peer = client.peer();
  request.recoverable = true;
  request.delta = below(4) != 0;
  request.recover = asks;
  if (asks) {
    request.since = *client.follower.position();
    if (below(20) == 0) request.since.epoch.clear();
  }
  const StreamPosition since = request.since;
  const SubscribeResponse answer = get(std::move(request));
  if (!answer.ok()) return wrong_.push_back("a subscribe was refused: " + answer.error.message);
  client.takes_delta = answer.delta;
  check_answer(client, asks, since, answer);
  client.answered(answer);
}

// What the answer has to be, from the rules of client-protocol 2 alone.
void ExactRun::check_answer(Client& client, bool asked, const StreamPosition& since,
                            const SubscribeResponse& answer) {
  use(answer.position.epoch);
  const bool cached = is_cached();
  bool recovered = false;
  std::vector<uint64_t> expected;
  if (cached && (asked || options_.auto_cache_recover)) {
    const bool there = since == StreamPosition{history_.top, history_.epoch};
    recovered = there || !history_.kept.empty();
    if (!history_.kept.empty() && !there) expected = {history_.top};
  } else if (asked && (since.epoch.empty() || since.epoch == history_.epoch)) {
    for (const uint64_t offset : history_.kept)
      if (offset > since.offset) expected.push_back(offset);
    recovered = expected.empty() ? history_.top == since.offset
                                 : expected.front() == since.offset + 1 && expected.size() <= kMaxRecovered;
    if (!recovered) expected.clear();
  }
  std::vector<uint64_t> got;
  Answer told{answer.recoverable, answer.recovered, answer.was_recovering, answer.delta, answer.position, {}};
  for (const PublicationPtr& publication : answer.publications) {
    const bool patch = answer.delta && !got.empty() && !publication->patch.empty();
    got.push_back(publication->offset);
    told.publications.push_back(sent_of(*publication, patch));
  }
  if (answer.recovered != recovered || got != expected)
    wrong_.push_back("recovery from " + std::to_string(since.offset) +
                     " is not what the history allows: recovered " + std::to_string(answer.recovered) +
                     " with " + std::to_string(got.size()) + ", not " + std::to_string(recovered) + " with " +
                     std::to_string(expected.size()) + ", top " + std::to_string(history_.top) +
                     (cached ? ", cache mode" : ""));
  if (!answer.recovered && answer.position.offset != history_.top) wrong_.push_back("the top is another one");
  ++(asked && answer.recovered ? facts_.recovered : facts_.lost);
  if (once(Mutation::kClaimsRecovery)) told = {true, true, asked, answer.delta, since, {}};
  if (told.publications.size() > 1 && once(Mutation::kForgetsRecovery))
    told.publications.erase(told.publications.begin() + 1);
  if (told.publications.size() > 1 && once(Mutation::kSwaps))
    std::swap(told.publications[0], told.publications[1]);
  client.follower.subscribed(asked ? std::optional(since) : std::nullopt, told);
}

void ExactRun::leave(Client& client) {
  get(UnsubscribeRequest{kChannel, client.peer()});
  client.subscribed = false;
}

void ExactRun::act() {
  Client& client = *clients_[below(clients_.size())];
  switch (below(16)) {
    case 0:
      return client.subscribed ? leave(client) : subscribe(client);
    case 1:
      // The gateway lost it and asks again without a word.
      return subscribe(client);
    case 2:
      return life_->world.run_for(Millis(below(static_cast<uint64_t>(2 * options_.history_ttl.count()))));
    case 3:
      if (below(8) == 0) return restart();
      return below(4) == 0 ? remove_history() : read_history();
    case 4:
      return publish_twice();
    case 5:
      if (below(30) == 0)
        for (int i = 0; i < 301; ++i) publish();
      return;
    default:
      for (uint64_t n = 1 + below(3); n > 0; --n) publish();
  }
}

// Everybody is there and has had his position compared.
void ExactRun::settle() {
  for (auto& client : clients_) {
    if (!client->subscribed || client->lost) subscribe(*client);
    HistoryRequest position{kChannel, nullptr, false, false, {}, 0};
    const StreamPosition top = get(std::move(position)).position;
    use(top.epoch);
    if (client->follower.position() != top) subscribe(*client);
  }
}

std::vector<std::string> ExactRun::run() {
  for (int step = 0; step < 60; ++step) {
    act();
    for (auto& client : clients_)
      if (client->lost) subscribe(*client);
  }
  settle();
  for (const auto& client : clients_) {
    const std::vector<std::string> found = client->follower.violations(truth_, true);
    wrong_.insert(wrong_.end(), found.begin(), found.end());
    facts_.taken += client->follower.taken();
    facts_.patched += client->follower.patched();
  }
  return wrong_;
}

}  // namespace lcg::recovery_model
