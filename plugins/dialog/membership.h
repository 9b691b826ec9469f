// SPDX-License-Identifier: Apache-2.0
// Membership: creating dialogs, and who is in them. Every change is an entry of the log, so it is ordered
// with the messages: a message at a later position than a removal is not the removed member's. Lane: the
// instance's.
#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "directory.h"
#include "lcg/sync.hpp"
#include "log.h"
#include "notifier.h"
#include "settings.h"

namespace lcg::dialog {

// Whether a user may be put into a dialog, or may go into one more (contacts.h).
enum class Verdict : uint8_t {
  kWelcome,
  kBlocking,  // the one who asks has blocked the user
  kBlocked,   // the user has blocked the one who asks
  kFull       // too many dialogs
};

struct CreateRequest {
  std::string dialog, creator, title, avatar;
  std::vector<std::string> members;  // besides the creator
  bool direct = false, open = false, history_all = false;
  Verdict verdict = Verdict::kWelcome;  // of the creator, or of the two of a direct dialog
};

// dialog.set: what is not given stays.
struct SetRequest {
  std::string dialog, actor;
  std::optional<std::string> title, avatar;
};

enum class Op : uint8_t { kJoin, kLeave, kAdd, kRemove, kRole, kMute, kBan, kUnban };
inline constexpr std::string_view kOpNames[] = {"join", "leave", "add", "remove",
                                                "role", "mute",  "ban", "unban"};

struct ChangeRequest {
  Op op = Op::kJoin;
  std::string dialog, actor;
  std::vector<std::string> users;       // distinct; join and leave: the actor
  Role role = Role::kMember;            // kRole
  int64_t until_ms = 0;                 // kMute; 0 ends it
  Verdict verdict = Verdict::kWelcome;  // kJoin
};

// The id of the one direct dialog of two users, whoever asks. No other dialog may have an id of this form.
std::string direct_id(std::string_view a, std::string_view b);
bool reserved_id(std::string_view id);
// `member` comes in with the entry at `dseq`; `by`: put in by this user.
void enter(Member& member, Role role, uint64_t dseq, std::string_view by);

// While one is there, what is in the store's outbox stays in it; when it goes, the outbox is looked through.
class Growing {
 public:
  Growing(Notifier& notifier, DialogPtr dialog) : notifier_(notifier), dialog_(std::move(dialog)) {
    ++dialog_->growing;
  }
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() {
    --dialog_->growing;
    if (applied_) return;
    dialog_->outbox.look_in_store(dialog_->head);
    notifier_.kick(dialog_);
  }
  void applied() { applied_ = true; }  // which looks by itself, when the change is durable

 private:
  Notifier& notifier_;
  const DialogPtr dialog_;
  bool applied_ = false;
};

class Membership {
 public:
  Membership(Host host, const Settings& settings, Directory& directory, Log& log, Notifier& notifier)
      : host_(host),
        store_(host),
        settings_(settings),
        directory_(directory),
        log_(log),
        notifier_(notifier) {}

  // data: JSON of get(). Creating what one has created before is no error: "created":false.
  Task<Reply> create(CreateRequest request);
  // data: {"seq":n}, n 0 when nothing had to change.
  Task<Reply> change(ChangeRequest request);
  Task<Reply> get(std::string dialog, std::string user);
  // Members after `after` in the order of their ids, and how far each has read; with `seen` only those who have read it.
  Task<Reply> list(std::string dialog, std::string user, std::string after, uint32_t limit, uint64_t seen);
  // Title and avatar, by an admin. data: as of change().
  Task<Reply> set(SetRequest request);
  // The end of a group, by an owner: everybody is out at once. data: as of change().
  Task<Reply> dissolve(std::string dialog, std::string user);
  // Gives back the memory of users who are no longer needed. Call about once a second.
  void trim(const DialogPtr& dialog) const;

 private:
  using Targets = std::vector<std::pair<std::string, Member*>>;  // nullptr: never was a member

  // `mark`: under which it is listed as dirty.
  Task<Reply> create_new(CreateRequest request, std::string* mark);
  Reply check(const Dialog& dialog, const ChangeRequest& request, const Member* actor) const;
  // Removes whom the change would not change. A refusal when one of them may not be changed, or when what the
  // whole change would leave is against a rule.
  Reply select(const Dialog& dialog, const ChangeRequest& request, const Member* actor,
               Targets& targets) const;
  // What a change has to read or write before it is decided.
  struct Ahead {
    std::set<std::string> listed;  // in the store's outbox, of a dialog that becomes large
    std::vector<Former> former;    // who may be forgotten, those who left first first
  };
  Reply check_about(const Dialog& dialog, const std::string& user, Role least) const;
  Task<Reply> append_about(DialogPtr dialog, std::string actor, std::string op, Entry entry,
                           storage::Batch batch);
  Task<lcg_status> list_all(DialogPtr dialog);
  Task<> unsubscribe_all(DialogPtr dialog);
  Reply decide(Dialog& dialog, const ChangeRequest& request, Targets& targets) const;
  bool becomes_large(const Dialog& dialog, const ChangeRequest& request, const Targets& targets) const;
  Task<lcg_status> list_crowd(DialogPtr dialog, Ahead* ahead);
  Task<lcg_status> read_former(DialogPtr dialog, Ahead* ahead);
  // Changes the state and collects its documents.
  void apply(Dialog& dialog, const ChangeRequest& request, const Targets& targets, const Ahead& ahead,
             uint64_t dseq, storage::Batch& batch);
  // Erases what is known of the former members who left first, until max_former of them are left.
  void forget(Dialog& dialog, const std::vector<Former>& former, storage::Batch& batch) const;
  void retire(Dialog& dialog, const std::string& user) const;
  Reply full() const;
  Reply refuse(Verdict verdict) const;
  Task<Reply> hide(ChangeRequest request);
  std::string describe(const Dialog& dialog, const Member& me, std::optional<bool> created) const;

  Host host_;
  storage::Client store_;
  const Settings& settings_;
  Directory& directory_;
  Log& log_;
  Notifier& notifier_;
  KeyedLock<> creating_;
};

}  // namespace lcg::dialog
