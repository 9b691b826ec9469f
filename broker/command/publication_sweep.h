// PublicationSweep: drops from the store what durable channels keep no longer, of channels that nobody uses.
//
// Each head has a row in the collection channel_due that says when to look at it: when its contents expire, later when its
// position may be forgotten. Every kEvery the sweep looks at what is due in the slots of its lane, one channel at a time, and
// moves the row on. What it writes holds only while the head is as it read it, so that a publication in between wins.
// Channels that are in use are left to themselves: their rows are looked at again.
// Begins at the lane's first use of a durable channel. Lane: its own.
#pragma once
#include <string>
#include <vector>

#include "broker/channel/channel_table.h"
#include "broker/command/lane_context.h"

namespace lcg::broker {

class PublicationSweep {
 public:
  // All outlive it.
  PublicationSweep(LaneContext& context, PublicationStore& store, ChannelTable& table)
      : context_(context), store_(store), table_(table) {}

  // Idempotent.
  void start();

  static constexpr Millis kEvery = std::chrono::minutes(10);
  static constexpr uint32_t kPage = 100;  // rows

 private:
  void begin();
  void drop_keys(uint32_t slot);
  void look(uint32_t slot, std::string from);
  void look_at(uint32_t slot, std::vector<storage::Row> due, size_t at, bool more);
  void examine(const std::string& channel, int64_t due_ms, const std::string& document,
               UniqueFunction<void()> done);
  void drop_row(const std::string& channel, int64_t due_ms, UniqueFunction<void()> done);
  void commit(const std::string& channel, storage::Batch batch, UniqueFunction<void(bool)> done);

  LaneContext& context_;
  PublicationStore& store_;
  ChannelTable& table_;
  bool started_ = false;
};

}  // namespace lcg::broker
