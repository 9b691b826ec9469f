// SPDX-License-Identifier: Apache-2.0
// Inbox: what is kept for a user: his dialogs with their heads and his read marks, in the order in which they
// last changed, and the checkpoints of his devices. Lives in the partition of the user; the owner of the
// user's slot serves it.
//
// Every change of one of his dialogs gets a new `iseq`, so "what changed since" costs what changed. iseq
// grows with the clock and never repeats, also when a power loss takes back the last changes, which are not
// synced one by one: the dialogs that were on their way are told again (notifier.h). Memberships here are a
// projection; the dialog decides. Lane: the instance's; changes of one user are made one after the other.
#pragma once
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/dialog.hpp"
#include "lcg/services/storage.hpp"
#include "lcg/sync.hpp"
#include "state.h"

namespace lcg::dialog {

// Collections of partition <user>.
inline constexpr char kUserDialogDocs[] = "user_dialog";  // dialog -> UserDialog
inline constexpr char kUserChangeDocs[] = "user_change";  // iseq -> UserDialog, one for each dialog
inline constexpr char kUserLargeDocs[] =
    "user_large";                                     // dialog -> "": large ones, whose head is not kept here
inline constexpr char kUserLeftDocs[] = "user_left";  // iseq -> dialog: those the user has left
inline constexpr char kUserCausedDocs[] = "user_caused";  // another user -> Caused
inline constexpr char kUserCountDocs[] =
    "user_count";  // "list" -> ListCount; device NUL <device> -> number of its checkpoints
inline constexpr char kCheckpointDocs[] = "user_checkpoint";  // device NUL dialog -> position

// What the owner of a dialog tells the owner of a user.
struct Projection {
  std::string user, dialog;
  uint64_t version = 0;  // of the membership: an older one is ignored
  bool in = false;
  Role role = Role::kMember;
  uint64_t head = 0;
  bool direct = false, large = false;
  std::string title;
  std::string by;  // Member::by
  std::string avatar;
  uint64_t read = 0;     // the user's mark, as the dialog knows it
  bool counted = false;  // what is unread above it, of `head`
  uint64_t unread = 0;
  bool more = false;
};
std::string encode(const Projection& p);
bool decode(std::string_view data, Projection& p);

// A dialog in a user's list.
struct UserDialog {
  std::string dialog;
  uint64_t version = 0;
  bool in = false;
  Role role = Role::kMember;
  uint64_t head = 0, read = 0, iseq = 0;
  bool direct = false, large = false;
  std::string title;
  uint64_t hidden = 0;  // the user does not want to see it before there is news after this head; 0: he does
  std::string by;       // who put the user in when it last came into the list; empty: the user alone
  uint64_t came = 0;    // iseq with which it last came in; 0: before that was written down
  // Above `read`, of `head` (counter.h). Not counted: the dialog is large, or was not told of since this is kept.
  bool counted = false, more = false;
  uint64_t unread = 0;
  std::string avatar;
  int64_t quiet_until_ms = 0;  // the user wants no notifications before

  bool shown() const { return in && (hidden == 0 || head > hidden); }
};
std::string encode(const UserDialog& d);
bool decode(std::string_view data, UserDialog& d);

// What others have put into a list.
struct Caused {
  uint64_t groups = 0, directs = 0;
  uint64_t forgiven = 0;  // iseq: what came in until then is not in these counts
};
std::string encode(const Caused& c);
bool decode(std::string_view data, Caused& c);

// How long a user's list is, and by whose doing.
struct ListCount {
  uint64_t in = 0, left = 0;  // dialogs; of those that were left the last kMaxLeft are kept, for sync
  uint64_t forgotten = 0;     // iseq of the last of the others
  uint64_t own = 0;           // of `in`: by the user alone, or from before it was known
  Caused caused;              // of `in`: by all others, but for what was forgiven
};
std::string encode(const ListCount& c);
bool decode(std::string_view data, ListCount& c);

class Inbox {
 public:
  Inbox(Host host, uint64_t max_checkpoints)
      : host_(host), store_(host), dialogs_(host), max_checkpoints_(max_checkpoints) {}

  // data: the user's mark (u64), when the membership is there. One above Projection::read: what was counted is not taken,
  // tell it again with what is above this mark.
  Task<Reply> project(Projection projection);
  // The answers to a user's own rpc; data is JSON. They add to `looked_at` what was read for them and could not be known
  // before, for who counts what it costs.
  Task<Reply> list(std::string user, uint64_t before, uint32_t limit, size_t* looked_at);
  Task<Reply> sync(std::string user, uint64_t since, size_t* looked_at);
  Task<Reply> read(std::string user, std::string dialog, uint64_t seq, size_t* looked_at);
  // Out of the list until there is news; data is JSON.
  Task<Reply> hide(std::string user, std::string dialog, size_t* looked_at);
  // No notifications of it before `until_ms`; data is JSON. What a client is told says so; it is told all the same.
  Task<Reply> quiet(std::string user, std::string dialog, int64_t until_ms);
  Task<Reply> checkpoint(std::string user, std::string device, std::string dialog, uint64_t seq);
  Task<Reply> checkpoints(std::string user, std::string device, std::string after, uint32_t limit);
  Task<Outcome<ListCount>> count(std::string user);
  // What `other` has put into the list.
  Task<Outcome<Caused>> caused(std::string user, std::string other);
  // From now on it counts no more. LCG_E_BUSY: not now.
  Task<lcg_status> forgive(std::string user, std::string other);
  void lost(uint32_t slot);

 private:
  Task<Outcome<uint64_t>> last_iseq(std::string user);
  Task<Outcome<UserDialog>> find(std::string user, std::string dialog);
  // The same, with the head of now when `seq` is beyond what the list knows. code 103: not a member.
  Task<Reply> find_member(std::string user, std::string dialog, uint64_t seq, UserDialog* found);
  // Gives it the next iseq.
  Task<lcg_status> store_again(std::string user, UserDialog* changed);
  uint64_t next_iseq(const std::string& user, uint64_t last);
  enum class Before : uint8_t { kAbsent, kIn, kLeft };
  Task<lcg_status> store(std::string user, UserDialog changed, uint64_t old_iseq, Before before);
  // Of a dialog that comes into the list or leaves it: the documents that count, and the oldest that was left.
  Task<lcg_status> recount(std::string user, UserDialog changed, uint64_t old_iseq, Before before,
                           storage::Batch* batch);
  Task<lcg_status> count_checkpoint(std::string user, std::string device, storage::Batch* batch);
  Task<lcg_status> recount_cause(std::string user, UserDialog changed, ListCount* count,
                                 storage::Batch* batch);
  void hint(const std::string& user, const UserDialog& dialog, std::string_view type);
  // Asks the dialogs for what is not kept here: of large ones, and of those that are not counted.
  Task<> refresh(std::string user, std::vector<UserDialog>* dialogs, size_t* looked_at);
  Task<> refresh_one(std::string user, UserDialog* dialog, WaitGroup* group, size_t* looked_at);
  // What the dialog says of itself, with the mark at least at `seq`. Code 103: not a member.
  Task<Reply> ask(std::string user, uint64_t seq, UserDialog* dialog, size_t* looked_at);
  struct Large {
    std::vector<UserDialog> dialogs;  // all of them, or none when there are `more` than kMaxLargeDialogs
    bool more = false;
  };
  Task<Outcome<Large>> large_dialogs(std::string user, size_t* looked_at);

  Host host_;
  storage::Client store_;
  Client dialogs_;
  const uint64_t max_checkpoints_;  // of one device
  KeyedLock<> users_;
  // The last iseq given, by slot and user; of a slot at most its share of kMaxCachedUsers.
  using Given = std::unordered_map<std::string, uint64_t>;
  std::unordered_map<uint32_t, Given> iseq_;
};

}  // namespace lcg::dialog
