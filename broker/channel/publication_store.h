// PublicationStore: the publications of durable channels (`history: durable`) as documents of the store.
//
// In the partition "@<slot>" of the channel:
//   channel_head   <channel>              a StoredHead
//   channel_log    <channel> 0 <offset>   a StoredRow, for each publication that is kept
//   channel_due    <ms> <channel>         when a head is to be looked at (command/publication_sweep.h); empty
//   channel_key    <time> <channel> 0 <key>   the offset that a publication has under an idempotency key
//   channel_slot   epoch                  a secret that epochs are made of
//   channel_slot   barrier                written before a slot is read
// The lane of the slot is their single writer and the store refuses an older term. A batch is one publication or several
// and the head that goes with them, so that what is acknowledged is on stable storage, whole.
//
// A channel without a head has offset 0 and an epoch made of its name and the slot's secret: the same one whenever it is asked
// for, and nothing is written by asking. Where a head is dropped the secret changes with it, so that an epoch that
// named an offset never comes back with a smaller one.
//
// After a start, and after a write whose fate is unknown, a slot is read behind a durable write to it: what was on its way
// has then arrived or never will, and what is read cannot be lost any more.
// Lane: its own. No `done` runs before the return.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/lane.h"
#include "broker/api/bus.h"
#include "broker/api/outcome.h"
#include "broker/channel/idempotency.h"
#include "broker/host/plugin_host.h"
#include "lcg/services/storage_wire.hpp"

namespace lcg::broker {

// Where the stream of a channel stands. Times are Unix ms.
struct StoredHead {
  StreamPosition top;       // of the newest publication ever; offset 0: none
  uint64_t first = 1;       // the oldest that may be read; top.offset + 1: none
  uint64_t oldest_row = 1;  // the oldest that may lie in the store
  uint64_t version = 0;     // of the newest publication that had one
  std::string version_epoch;
  int64_t last_ms = 0;            // of the newest publication
  int64_t contents_until_ms = 0;  // what is kept may go then
  int64_t forget_at_ms = 0;       // and then the position itself
  int64_t due_ms = 0;             // its row in channel_due

  std::string encode() const;
  static bool decode(std::string_view document, StoredHead& out);
};

struct StoredRow {
  std::shared_ptr<Publication> publication;
  int64_t at_ms = 0;  // Unix ms

  // Of the document, all but a few bytes.
  static size_t bytes_of(const Publication& publication);
};

class PublicationStore {
 public:
  // A failure is error 100, temporary.
  using HeadFn = UniqueFunction<void(Outcome, StoredHead)>;
  using RowsFn = UniqueFunction<void(Outcome, std::vector<StoredRow>, bool more)>;
  using DoneFn = UniqueFunction<void(Outcome)>;

  // Both outlive it.
  PublicationStore(Lane& lane, host::PluginHost& host, uint32_t slots)
      : lane_(lane), host_(host), slots_(slots), keys_unknown_until_(lane.now() + kKeysUnknown) {}

  void read_head(const std::string& channel, HeadFn done);

  // Of the offsets from `first` to `last`, from the low or the high end. `more`: the limit or the store's own cut it short.
  struct Range {
    uint64_t first, last;
    bool reverse;
    uint32_t limit;
  };
  void read(const std::string& channel, const std::string& epoch, Range range, RowsFn done);

  // `rows` have the offsets up to head.top. `keys` are idempotency keys and the offsets they stand for. Rows from
  // head.oldest_row on that may not be read any more are erased, as many as one batch takes, and head.oldest_row follows.
  // `head` is what the store then has, if no error is answered; after an error it may have it or not.
  using Keys = std::vector<std::pair<std::string, uint64_t>>;
  void write(const std::string& channel, StoredHead& head, const std::vector<StoredRow>& rows,
             const Keys& keys, DoneFn done);

  // What stands under a key that this process does not know; nothing: no publication. The offset is 0 of one that has none.
  using KeyFn = UniqueFunction<void(Outcome, std::optional<uint64_t> offset)>;
  void find_key(const std::string& channel, const std::string& key, KeyFn done);
  // May the store have a key of the last kIdempotencyWindow that this process does not know? An earlier process wrote
  // it, or a write whose outcome is unknown.
  bool may_have_keys() const { return lane_.now() < keys_unknown_until_; }
  // Below it are the rows of channel_key that mean nothing any more.
  std::string first_key() const;

  static constexpr Millis kTimeout{3'000};
  static constexpr size_t kMaxRowBytes = storage::kMaxValueBytes - 4096;  // StoredRow::bytes_of
  static constexpr uint64_t kErasedAtATime = 500;                         // rows of one batch
  static constexpr Millis kDueStep = std::chrono::hours(1);  // a head is looked at so much late at most

  uint32_t slot_of(const std::string& channel) const;
  std::string partition_of(const std::string& channel) const;
  // The rows that a batch erases, and where that leaves head.oldest_row. For write() and the sweep.
  static void erase_old(storage::Batch& batch, const std::string& channel, StoredHead& head);
  static std::string due_key(int64_t due_ms, const std::string& channel);
  static int64_t due_after(int64_t at_ms);
  // Around the batch that drops a head: the slot's secret changes in it, and nobody is told the old one meanwhile. False:
  // it is asked for at this moment, try later.
  bool begin_change(storage::Batch& batch, uint32_t slot);
  void end_change(uint32_t slot, bool written);

 private:
  void get_head(const std::string& channel, HeadFn done);
  void new_head(const std::string& channel, HeadFn done);
  void look_for_key(const std::string& channel, const std::string& key, uint64_t step, uint64_t first,
                    KeyFn done);
  using SecretFn = UniqueFunction<void(const Outcome&, const std::string& secret)>;
  void with_secret(uint32_t slot, SecretFn done);
  void ask_secret(uint32_t slot);
  void answer_secret(uint32_t slot, const Outcome& outcome, const std::string& secret);
  std::string new_secret();
  // A key is found for kIdempotencyWindow after its publication was asked for, however long the write takes.
  static constexpr Millis kKeysUnknown = kIdempotencyWindow + 2 * kTimeout;

  Lane& lane_;
  host::PluginHost& host_;
  const uint32_t slots_;
  MonoTime keys_unknown_until_;
  std::map<uint32_t, std::string> secrets_;   // by slot
  std::map<uint32_t, std::string> changing_;  // the new ones, of batches under way
  std::map<uint32_t, std::vector<SecretFn>>
      asking_;                  // who waits for a slot's secret, which is asked for or changes
  std::set<uint32_t> settled_;  // slots that may be read
};

inline constexpr const char *kHeads = "channel_head", *kRows = "channel_log", *kDue = "channel_due",
                            *kKeys = "channel_key", *kSlot = "channel_slot";

}  // namespace lcg::broker
