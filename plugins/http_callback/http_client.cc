// SPDX-License-Identifier: Apache-2.0
#include "plugins/http_callback/http_client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugins/http_callback/transfer.h"

namespace lcg::http_callback {
namespace {

constexpr uint32_t kStreams = 32;       // requests that share one HTTP/2 connection
constexpr long kIdleConnections = 256;  // kept alive, of all back ends together
constexpr size_t kIdleHandles = 64;     // curl easy handles kept for the next request
constexpr int kLongestPollMs = 10'000;

using TransferPtr = std::unique_ptr<Transfer>;
using Error = HttpResult::Error;

}  // namespace

// Everything the thread has. What other threads touch is in the inbox.
class HttpClient::Loop {
 public:
  Loop() : multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, static_cast<long>(kStreams));
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kIdleConnections);
  }
  ~Loop() {
    idle_.clear();
    curl_multi_cleanup(multi_);
  }

  // Any thread.
  uint64_t submit(HttpRequest request, Poster::Done done) {
    const std::lock_guard lock(mutex_);
    const uint64_t id = next_id_++;
    arrived_.push_back(std::make_unique<Transfer>(id, std::move(request), std::move(done)));
    wake();
    return id;
  }
  void cancel(uint64_t id) {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
    wake();
  }
  void stop() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake();
  }

  void run() {
    while (take_inbox()) {
      admit();
      int running = 0;
      curl_multi_perform(multi_, &running);
      collect();
      curl_multi_poll(multi_, nullptr, 0, expire(), nullptr);
    }
    end_all();
  }

 private:
  // The requests to one back end.
  struct Traffic {
    std::deque<TransferPtr> waiting;
    uint32_t under_way = 0;
    bool http2 = false;
    uint32_t limit(const Origin& origin) const { return origin.max_connections * (http2 ? kStreams : 1); }
  };

  // REQUIRES: mutex_ held.
  void wake() {
    if (!std::exchange(woken_, true)) curl_multi_wakeup(multi_);
  }

  bool take_inbox() {
    std::vector<TransferPtr> arrived;
    std::vector<uint64_t> cancelled;
    {
      const std::lock_guard lock(mutex_);
      woken_ = false;
      if (stopping_) return false;
      arrived.swap(arrived_);
      cancelled.swap(cancelled_);
    }
    for (TransferPtr& transfer : arrived) enqueue(std::move(transfer));
    for (const uint64_t id : cancelled) drop(id);
    return true;
  }

  void enqueue(TransferPtr transfer) {
    Traffic& traffic = traffic_[transfer->origin().name];
    if (traffic.waiting.size() >= transfer->origin().max_queue)
      return transfer->finish(Error::kBusy, "too many requests wait for a connection");
    traffic.waiting.push_back(std::move(transfer));
  }

  void drop(uint64_t id) {
    if (const auto running = under_way_.find(id); running != under_way_.end()) {
      const TransferPtr transfer = end(running);
      transfer->finish(Error::kCancelled, "cancelled");
      return;
    }
    for (auto& [name, traffic] : traffic_) {
      const auto it = std::find_if(traffic.waiting.begin(), traffic.waiting.end(),
                                   [id](const TransferPtr& t) { return t->id() == id; });
      if (it == traffic.waiting.end()) continue;
      const TransferPtr transfer = std::move(*it);
      traffic.waiting.erase(it);
      return transfer->finish(Error::kCancelled, "cancelled");
    }
  }

  // Starts what waits and fits.
  void admit() {
    for (auto& [name, traffic] : traffic_) {
      while (!traffic.waiting.empty() &&
             traffic.under_way < traffic.limit(traffic.waiting.front()->origin())) {
        TransferPtr transfer = std::move(traffic.waiting.front());
        traffic.waiting.pop_front();
        begin(traffic, std::move(transfer));
      }
    }
  }

  void begin(Traffic& traffic, TransferPtr transfer) {
    EasyPtr easy(idle_.empty() ? curl_easy_init() : nullptr);
    if (!idle_.empty()) {
      easy = std::move(idle_.back());
      idle_.pop_back();
    }
    if (easy == nullptr || !transfer->prepare(std::move(easy)) ||
        curl_multi_add_handle(multi_, transfer->easy()) != CURLM_OK)
      return transfer->finish(Error::kConnect, "libcurl does not take the request");
    ++traffic.under_way;
    const uint64_t id = transfer->id();
    under_way_.emplace(id, std::move(transfer));
  }

  using UnderWay = std::unordered_map<uint64_t, TransferPtr>;
  TransferPtr end(UnderWay::iterator it) {
    TransferPtr transfer = std::move(it->second);
    under_way_.erase(it);
    curl_multi_remove_handle(multi_, transfer->easy());
    --traffic_[transfer->origin().name].under_way;
    return transfer;
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      void* user = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
      const auto it = under_way_.find(static_cast<Transfer*>(user)->id());
      const TransferPtr transfer = end(it);
      if (code == CURLE_OK) traffic_[transfer->origin().name].http2 = transfer->used_http2();
      transfer->finish(code);
      EasyPtr easy = transfer->release();
      curl_easy_reset(easy.get());
      if (idle_.size() < kIdleHandles) idle_.push_back(std::move(easy));
    }
    admit();
  }

  // Ends what has waited too long; how long the poll may take, in ms.
  int expire() {
    const Clock::time_point now = Clock::now();
    Clock::time_point next = now + std::chrono::milliseconds(kLongestPollMs);
    for (auto& [name, traffic] : traffic_) {
      std::vector<TransferPtr> late;
      std::erase_if(traffic.waiting, [&](TransferPtr& transfer) {
        if (transfer->deadline() > now) {
          next = std::min(next, transfer->deadline());
          return false;
        }
        late.push_back(std::move(transfer));
        return true;
      });
      for (const TransferPtr& transfer : late)
        transfer->finish(Error::kTimeout, "no connection was free in time");
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next - now).count());
  }

  void end_all() {
    while (!under_way_.empty()) end(under_way_.begin())->finish(Error::kCancelled, "stopping");
    for (auto& [name, traffic] : traffic_)
      for (const TransferPtr& transfer : traffic.waiting) transfer->finish(Error::kCancelled, "stopping");
    std::vector<TransferPtr> arrived;
    {
      const std::lock_guard lock(mutex_);
      arrived.swap(arrived_);
    }
    for (const TransferPtr& transfer : arrived) transfer->finish(Error::kCancelled, "stopping");
  }

  CURLM* const multi_;
  std::unordered_map<std::string, Traffic> traffic_;  // by Origin::name
  UnderWay under_way_;
  std::vector<EasyPtr> idle_;

  std::mutex mutex_;  // guards what follows
  uint64_t next_id_ = 1;
  bool woken_ = false, stopping_ = false;
  std::vector<TransferPtr> arrived_;
  std::vector<uint64_t> cancelled_;
};

std::shared_ptr<HttpClient> HttpClient::shared() {
  static std::mutex mutex;
  static std::weak_ptr<HttpClient> one;
  const std::lock_guard lock(mutex);
  std::shared_ptr<HttpClient> client = one.lock();
  if (!client) {
    client.reset(new HttpClient());
    one = client;
  }
  return client;
}

HttpClient::HttpClient()
    : loop_((curl_global_init(CURL_GLOBAL_DEFAULT), std::make_unique<Loop>())), thread_([this] {
        pthread_setname_np(pthread_self(), "lcg-http");
        sigset_t all;  // SIGPIPE among them: TLS writes to a connection that is gone
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        loop_->run();
      }) {}

HttpClient::~HttpClient() {
  loop_->stop();
  thread_.join();
}

uint64_t HttpClient::start(HttpRequest request, Done done) {
  return loop_->submit(std::move(request), std::move(done));
}

void HttpClient::cancel(uint64_t id) { loop_->cancel(id); }

}  // namespace lcg::http_callback
