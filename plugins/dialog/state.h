// SPDX-License-Identifier: Apache-2.0
// Dialog: one dialog in the memory of its owner, the single writer.
//
// What is here is the state after every entry SUBMITTED to the store, which is ahead of what is durable by
// the entries in `pending`: so decisions (is he a member, which number is next) follow the order of the log,
// while readers are only shown up to `head`, the last durable position. When the store does not take an
// entry, the entries behind it cannot be taken either (each requires its predecessor); the object is then
// `broken`, answers nobody, and is replaced by what the store holds. Lane: the instance's. Pointers to
// members live as long as the Dialog, but for a user who is out: a minute (Membership::trim).
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "entry.h"
#include "lcg/services/dialog.hpp"
#include "lcg/sync.hpp"
#include "outbox.h"
#include "said.h"
#include "tail.h"

namespace lcg::dialog {

// Collections of partition <dialog id>.
inline constexpr char kMetaDocs[] = "dialog";           // "meta" -> Meta
inline constexpr char kMemberDocs[] = "dialog_member";  // user -> Member
inline constexpr char kLaneDocs[] = "dialog_lane";      // user NUL device -> Lane
inline constexpr char kLogDocs[] = "dialog_log";        // dseq -> Entry
inline constexpr char kFormerDocs[] =
    "dialog_former";  // former_key -> "": who is out, those to forget first first
inline constexpr char kSaidDocs[] = "dialog_said";      // number of a block -> Said::Block, whole
inline constexpr char kOutboxDocs[] = "dialog_outbox";  // user -> "": the user's own list does not know yet
inline constexpr char kBarrierDocs[] =
    "dialog_barrier";  // "last" -> Unix ms of the last read behind a barrier
inline constexpr char kMetaKey[] = "meta";
// Collection of partition "@<slot>".
inline constexpr char kDirtyDocs[] =
    "dialog_dirty";  // dialog id -> Dialog::dirty_mark: members may not have been told all

enum class Role : uint8_t { kMember = 0, kAdmin = 1, kOwner = 2 };
enum class Standing : uint8_t { kOut = 0, kIn = 1, kBanned = 2 };
std::string_view role_name(Role role);

struct Meta {
  bool direct = false;
  bool open = false;         // anyone may join
  bool history_all = false;  // members read from the beginning, not from their joining
  bool large = false;        // has had more members than are told one by one; stays so
  std::string title, creator, epoch, avatar;
  int64_t created_ms = 0;
  uint64_t member_count = 0, owner_count = 0;
  uint64_t banned_count = 0, former_count = 0;  // documents of users who are banned, or out
  bool forgetful = false;                       // documents of former members have been erased
  // Position at which it was dissolved: whoever was in is out from there, whatever the documents say.
  uint64_t ended = 0;
};

// Positions from..to; to 0: still open.
struct Window {
  uint64_t from = 0, to = 0;
};

struct Member {
  Role role = Role::kMember;
  Standing standing = Standing::kOut;
  std::vector<Window> windows;  // when the user was a member, oldest first
  int64_t muted_until_ms = 0;
  uint64_t version = 0;  // dseq of the last change of this membership
  uint64_t last_useq = 0, last_dseq = 0;
  std::string by;     // who put the user in; empty: the user alone, or it was not kept yet
  uint64_t read = 0;  // how far the user has read; of the user's own list (inbox.h), which may be ahead
  int64_t forgotten_ns = 0;  // in memory only: nothing has been known of the user since then

  bool in() const { return standing == Standing::kIn; }
  // A document is kept of this: more than of somebody who never was there.
  bool known() const { return standing != Standing::kOut || !windows.empty() || last_useq != 0; }
  // What is counted by Meta::former_count and listed in kFormerDocs.
  bool former() const { return standing == Standing::kOut && known(); }
};

// Of a dialog that was dissolved: a document of one who is in says what was before.
void end_with(const Meta& meta, Member& member);

// The messages of one device in this dialog.
struct Lane {
  uint64_t epoch = 0, last_cseq = 0, last_dseq = 0;  // 0: nothing was sent yet
  std::map<uint64_t, uint64_t> prepared;             // cseq -> message id, numbered only
  uint32_t unacknowledged = 0;                       // submitted, not durable
};

using LanePtr = std::shared_ptr<Lane>;

// Held between try and confirm.
struct Prepared {
  TryRequest request;
  int64_t deadline_ns = 0;
  std::string target_entry;  // recall: the target's log document without its body
};

// Submitted, waiting for the store.
struct Pending {
  EntryPtr entry;
  bool durable = false, failed = false;
  Future<bool> outcome;  // true: durable
};

struct Dialog {
  explicit Dialog(std::string dialog_id) : id(std::move(dialog_id)) {}

  const std::string id;
  Meta meta;
  uint64_t head = 0;         // last durable position
  uint64_t submitted = 0;    // last position given out
  int64_t last_ts_ms = 0;    // of `submitted`
  bool all_members = false;  // `members` holds whoever has a document; else they are read when needed
  std::unordered_map<std::string, Member> members;
  // Of whom nothing is known any more, since when: they stay in `members`, as users who never were there, until nobody
  // can have a pointer or read the document of before (Membership::trim).
  std::deque<std::pair<int64_t, std::string>> retired;
  // Who is in, and is told one by one that there is news. Empty in a large dialog; whole when crowd_known.
  std::set<std::string> crowd;
  bool crowd_known = false, crowd_reading = false;
  uint32_t growing = 0;  // changes that make it large are under way: nobody leaves the outbox of the store
  Event crowd_read;
  std::unordered_map<std::string, LanePtr> lanes;   // user NUL device; the idle make room at kMaxLanes
  std::unordered_map<uint64_t, Prepared> prepared;  // by message id
  std::deque<std::shared_ptr<Pending>> pending;     // in order of position
  std::unordered_map<uint64_t, std::shared_ptr<Pending>> pending_messages;  // the same, by message id
  Tail tail;  // the last durable entries, dense up to head
  // A page that was being read when the last of them ended is not shared with whoever asks later.
  uint64_t erasures = 0;
  Said said;
  uint32_t writes = 0;  // of the store in flight, pending ones included
  Event lane_moved;     // a prepared message was confirmed, cancelled or has expired

  bool broken = false, gone = false;
  Event gone_event;

  // Of a direct dialog, who of the two has blocked the other (contacts.h).
  struct Blocks {
    bool known = false;
    uint64_t changes = 0;  // while it was read
    int64_t read_ns = 0;
    std::vector<std::string> by;
  };
  Blocks blocks;

  // Telling members (notifier.h).
  enum class Dirty : uint8_t { kClean, kChanging, kDirty };
  Dirty dirty = Dirty::kClean;
  std::string dirty_mark;  // what the list says, another each time
  Event dirty_changed;
  Outbox outbox;
  uint64_t notified = 0;  // the crowd was told of this head, but for those who were missed
  // Who could not be told, and whether by the outbox: told again alone, and more and more rarely. At most kMaxOutbox.
  std::map<std::string, bool> missed;
  int64_t retry_ns = 0, retry_delay_ms = 0;  // not before, on Host::now_ns
  bool notifying = false;
  int64_t last_use_ns = 0;

  // Who types (typing.h): told since.
  struct Typing {
    int64_t since_ns = 0;
    uint32_t count = 0;
  };
  Typing typing;

  // Telling how far members have read (marks.h).
  std::map<std::string, uint64_t> seen;  // not told yet
  bool telling_seen = false;

  // Delivering events (feed.h).
  enum class Mark : uint8_t { kUnmarked, kMarking, kMarked };
  Mark mark = Mark::kUnmarked;
  Event mark_changed;
  bool feed_told = false;  // the deliverer knows that there is more than it has read

  // The standing of a member of `members` is known, or has changed.
  void count_in(const std::string& user, const Member& member) {
    if (meta.large) return;
    if (member.in()) {
      crowd.insert(user);
    } else {
      crowd.erase(user);
    }
  }
  bool usable() const { return !broken && !gone; }
  bool idle() const { return prepared.empty() && writes == 0; }
};
using DialogPtr = std::shared_ptr<Dialog>;

std::string encode(const Meta& m);
bool decode(std::string_view data, Meta& m);
std::string encode(const Member& m);
bool decode(std::string_view data, Member& m);
// As it is now: the one way to read a member of an open dialog.
bool decode(std::string_view data, const Meta& meta, Member& m);
std::string encode(const Lane& l);
bool decode(std::string_view data, Lane& l);
std::string lane_key(std::string_view user, std::string_view device);
// REQUIRES: member.former(). Who was muted goes behind all others, then the order is that of leaving.
std::string former_key(std::string_view user, const Member& member);
struct Former {
  std::string key, user;
  uint64_t version = 0;  // of the membership
};
bool decode_former(std::string_view key, Former& out);

// May this member read position `dseq`? The positions of joining and leaving are inside.
bool may_read(const Meta& meta, const Member& member, uint64_t dseq);
// The readable parts of [from, to], ascending.
std::vector<Window> readable(const Meta& meta, const Member& member, uint64_t from, uint64_t to);

}  // namespace lcg::dialog
