// DurableChannel: publications lie in the store (`history: durable`), so that a restart takes nothing: the same offsets,
// the same epoch, the same recovery. What was published last is in memory as well while somebody uses the channel.
//
// A publication is written before a subscriber or its publisher hears of it. One thing is asked of the store at a time: the
// head, the end of the log, or a batch of all that was published meanwhile. After a batch whose fate is unknown the
// channel looks at what the store has and goes on from there; subscribers get what turned out to be written, in order.
//
// A subscriber that comes back is served from memory: the first one has the end of the log read, however many come.
// Older pages of history are read from the store and not kept.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/channel/publication_store.h"
#include "broker/channel/stream_channel.h"

namespace lcg::broker {

class DurableChannel final : public StreamChannel {
 public:
  DurableChannel(ChannelContext& context, std::string name, const ChannelOptions& options);

  void publish(PublishRequest request, PublishOptions options, PublishFn done) override;
  void server_publish(ServerPublish publish, PublishFn done) override;
  void history(HistoryRequest request, HistoryFn done) override;
  void remove_history(HistoryRemoveFn done) override;
  std::optional<MonoTime> maintain(MonoTime now) override;
  void retire(MonoTime) override {}
  bool busy() const override;

  // Publications that wait for the store; one more is refused with 111, temporary.
  static constexpr size_t kMaxWaiting = 1'000, kMaxWaitingBytes = 8u << 20;
  static constexpr size_t kBatchRows = 200, kBatchBytes = 2u << 20;
  // Nobody uses it: it stays in memory for as long.
  static constexpr Millis kLinger{5'000};
  // Of asking what became of a batch, while somebody listens.
  static constexpr Millis kRetryEvery{1'000};

 protected:
  void attach(const SubscribeRequest& request, const SubscribeGrant& grant, Millis time_left,
              SubscribeFn done) override;

 private:
  using ReadyFn = UniqueFunction<void(const Outcome&)>;
  struct Item {
    std::shared_ptr<Publication> publication;  // null: the history goes
    PublishOptions options;
    std::vector<PublishFn> done;           // of all that asked under the same key
    std::optional<StreamPosition> former;  // what the store has under the same key
    bool looked_up = false;                // the store was asked for the key, or need not be
    bool stale = false;
    bool sends() const { return publication != nullptr && !former && !stale; }
    bool keeps() const { return sends() && !options.skip_history; }
    size_t bytes() const { return publication == nullptr ? 0 : StoredRow::bytes_of(*publication); }
  };

  void when_loaded(ReadyFn ready);
  void when_tail(ReadyFn ready);
  void step();
  bool run_ready();
  void load();
  void loaded(Outcome outcome, StoredHead head);
  void forget();
  void fail_all(const Outcome& why);
  void read_tail(std::vector<PublicationPtr> newest_first, size_t bytes);
  void tail_ends(std::vector<PublicationPtr> newest_first);
  void send_what_was_written(uint64_t from);
  void try_again();

  void add(Item item);
  bool look_up_keys();
  Item take_next();
  Item* under_way(const std::string& key);
  void write();
  StoredHead head_after(size_t rows, bool removes) const;
  void written(std::vector<Item> items, StoredHead head, const Outcome& outcome);

  uint64_t first_kept();
  bool in_memory(const HistoryRequest& request);
  void read_pages(const HistoryRequest& request, HistoryFn done);
  int64_t wall_ms() const { return context_.lane.clock().wall_ms(); }

  std::unique_ptr<StoredHead> head_;  // none: the store is to be asked
  bool asking_ = false;               // something of the store
  bool tail_known_ = false;           // the stream has all that a recovery may give
  std::vector<ReadyFn> for_head_, for_tail_;
  std::deque<Item> waiting_;
  size_t waiting_bytes_ = 0;
  std::vector<Item>* writing_ = nullptr;  // of the batch under way
  std::optional<StreamPosition> sent_;    // up to here subscribers were sent, before a batch of unknown fate
  MonoTime last_use_;
};

}  // namespace lcg::broker
