// SPDX-License-Identifier: Apache-2.0
// The dialog plugin: rpc methods dialog.* for clients, services "dialog" and "channel:dialog" for other
// plugins and the broker.
//
// One instance a lane; it owns the dialogs and the users of its lane's slots. A request may arrive on any
// lane; it goes on to the owner by a call of our own service. See README.md for the parts.
#include <algorithm>

#include "contacts.h"
#include "directory.h"
#include "eraser.h"
#include "feed.h"
#include "history.h"
#include "inbox.h"
#include "lcg/plugin.hpp"
#include "lcg/services/storage_scrub.hpp"
#include "log.h"
#include "membership.h"
#include "notifier.h"
#include "provider.h"
#include "pull_budget.h"
#include "reader.h"
#include "refusals.h"
#include "rpc.h"
#include "settings.h"
#include "tcc.h"
#include "typing.h"

namespace lcg::dialog {

class DialogPlugin {
 public:
  explicit DialogPlugin(Host host)
      : host_(storage::required(host)),
        settings_(Settings::from(host)),
        directory_(host, settings_),
        log_(host, directory_),
        reader_(host),
        feed_(host, settings_, directory_, reader_),
        counter_(host, directory_),
        marks_(host, settings_, directory_, log_, counter_),
        notifier_(host, settings_, directory_, feed_, counter_, marks_),
        membership_(host, settings_, directory_, log_, notifier_),
        inbox_(host, settings_.max_checkpoints()),
        contacts_(host, settings_, inbox_),
        tcc_(host, settings_, directory_, log_, reader_, notifier_, contacts_),
        typing_(host, directory_, contacts_),
        pulls_(host, settings_),
        eraser_(host, directory_, log_, reader_),
        history_(directory_, reader_, pulls_),
        provider_(host, directory_, reader_, pulls_) {
    directory_.on_found([this](Dialog& dialog, const Entry& entry) { log_.publish(dialog, entry); });
    directory_.on_dirty(
        [this](std::string id, std::string mark) { notifier_.recover(std::move(id), std::move(mark)); });
    directory_.on_unsettled([this](const DialogPtr& dialog) { notifier_.unsettled(dialog); });
    log_.on_appended([this](const DialogPtr& dialog) { notifier_.kick(dialog); });
  }

  Task<Reply> start() {
    host_.spawn(keep_house());
    co_return Reply();
  }

  void on_stopping() { tcc_.stop_waiting(); }

  void on_slot(uint32_t slot, uint64_t, bool owned) {
    directory_.lost(slot);
    inbox_.lost(slot);
    if (owned) directory_.gained(slot);
  }

  Task<Reply> on_rpc(Request request) {
    Reply refusal;
    const auto new_id = [this] { return random_id(); };
    std::optional<ClientCall> call = parse_rpc(request, new_id, &refusal);
    if (!call) co_return Reply::defer();
    if (!refusal.ok()) co_return refusal;
    if (Contacts::concerned(*call)) {
      std::string user = call->user;
      co_return co_await host_.call({"dialog", "reach", std::move(user), encode(*call)});
    }
    std::string owner = call->by_user() ? call->user : call->dialog;
    co_return co_await host_.call({"dialog", "rpc", std::move(owner), encode(*call)});
  }

  Task<Reply> on_call(ServiceCall call) {
    if (call.service == "channel:dialog") return on_channel(std::move(call));
    if (call.method == "rpc") return serve(std::move(call));
    if (call.method == "reach") return reach(std::move(call));
    return on_service(std::move(call));
  }

 private:
  // Once a second all dialogs in memory are looked at, a step at a time: the lane serves others between two.
  Task<> keep_house() {
    const Directory::Look look = [this](const DialogPtr& dialog) {
      const size_t held = dialog->prepared.size();
      tcc_.expire(*dialog);
      membership_.trim(dialog);
      return 1 + held + (notifier_.rest(dialog) ? kRestCost : 0);
    };
    while (!host_.stopping()) {
      co_await host_.sleep(kHousekeepingMs);
      size_t left = directory_.size();
      while (left > 0 && directory_.size() > 0 && !host_.stopping()) {
        left -= std::min(left, directory_.visit(kHousekeepingStep, look));
        directory_.trim();
        co_await host_.yield();
      }
    }
  }

  static Task<Reply> answer(Reply reply) { co_return reply; }

  std::string random_id() const {
    static constexpr char kLetters[] = "abcdefghijklmnopqrstuvwxyz234567";
    std::string id = "g-";
    for (const char byte : host_.random_bytes(16)) id += kLetters[static_cast<unsigned char>(byte) & 31];
    return id;
  }

  Task<Reply> on_channel(ServiceCall call) {
    if (!chat::valid_dialog_id(call.key)) return answer(denied());
    if (call.method == "subscribe") {
      channel::SubscribeRequest q;
      if (channel::decode(call.data, q)) return provider_.subscribe(std::move(call.key), std::move(q));
    } else if (call.method == "publish") {
      channel::PublishRequest q;
      if (channel::decode(call.data, q)) return provider_.publish(std::move(call.key), std::move(q));
    } else if (call.method == "history") {
      channel::HistoryRequest q;
      if (channel::decode(call.data, q)) return provider_.history(std::move(call.key), std::move(q));
    }
    return answer(invalid("malformed call of channel:dialog"));
  }

  Task<Reply> reach(ServiceCall call) {
    ClientCall q;
    if (!decode(call.data, q) || !Contacts::concerned(q)) return answer(invalid("malformed call"));
    return contacts_.reach(std::move(q));
  }

  // `user` has blocked or unblocked `other`: what `other` has put into the list counts no more, and their direct dialog
  // is told, if it is in memory.
  Task<Reply> blocks_changed(std::string user, std::string other) {
    const lcg_status forgiven = co_await inbox_.forgive(user, other);
    if (forgiven != LCG_OK) co_return busy("the store did not answer");
    std::string id = direct_id(user, other);
    co_return co_await host_.call({"dialog", "forget_blocks", std::move(id), {}});
  }
  // One that is not in memory, or is read again, asks when it needs to know.
  Task<Reply> forget_blocks(std::string id) {
    Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
    if (opened.ok()) contacts_.forget_blocks(*opened.value);
    co_return Reply();
  }

  // The rows that the answer may have, of a method whose pages are paid for here. A sync has as many as it has.
  static uint32_t page_of(const ClientCall& q) {
    const auto page = [&q](uint32_t usual, uint32_t most) {
      return q.limit == 0 ? usual : std::min(q.limit, most);
    };
    switch (q.method) {
      case Method::kMembers:
        return page(100, kMaxMembersPage);
      case Method::kList:
        return page(50, kMaxListPage);
      case Method::kCheckpoints:
        return page(100, kMaxCheckpointsPage);
      default:
        return 0;
    }
  }

  // What the user's own list answers, and what it has cost.
  Task<Reply> ask_inbox(ClientCall q, uint32_t limit) {
    size_t looked_at = 0;
    Reply reply;
    if (q.method == Method::kList) reply = co_await inbox_.list(q.user, q.before, limit, &looked_at);
    if (q.method == Method::kSync) reply = co_await inbox_.sync(q.user, q.since, &looked_at);
    if (q.method == Method::kRead) reply = co_await inbox_.read(q.user, q.dialog, q.seq, &looked_at);
    if (q.method == Method::kHide) reply = co_await inbox_.hide(q.user, q.dialog, &looked_at);
    pulls_.owe(q.user, looked_at);
    co_return reply;
  }
  Task<Reply> hide(std::string user, std::string dialog) {
    size_t looked_at = 0;
    Reply reply = co_await inbox_.hide(user, std::move(dialog), &looked_at);
    pulls_.owe(user, looked_at);
    co_return reply;
  }

  Task<Reply> serve(ServiceCall call) {
    ClientCall q;
    if (!decode(call.data, q)) return answer(invalid("malformed call"));
    const uint32_t limit = page_of(q);
    if (limit != 0 || q.method == Method::kSync) {
      Reply paid = pulls_.pull(q.user, limit);
      if (!paid.ok()) return answer(std::move(paid));
    } else if (q.method == Method::kRead || q.method == Method::kHide) {
      Reply begun = pulls_.begin(q.user);
      if (!begun.ok()) return answer(std::move(begun));
    }
    switch (q.method) {
      case Method::kCreate:
        return membership_.create(std::move(q.create));
      case Method::kGet:
        return membership_.get(std::move(q.dialog), std::move(q.user));
      case Method::kMembers:
        return membership_.list(std::move(q.dialog), std::move(q.user), std::move(q.after), limit, q.seen);
      case Method::kHistory:
        return history_.pull(std::move(q));
      case Method::kChange:
        return membership_.change(std::move(q.change));
      case Method::kSet:
        return membership_.set(std::move(q.set));
      case Method::kDissolve:
        return membership_.dissolve(std::move(q.dialog), std::move(q.user));
      case Method::kTyping:
        return typing_.tell(std::move(q.dialog), std::move(q.user), q.typing);
      case Method::kList:
      case Method::kSync:
      case Method::kRead:
      case Method::kHide:
        return ask_inbox(std::move(q), limit);
      case Method::kQuiet:
        return inbox_.quiet(std::move(q.user), std::move(q.dialog), q.until_ms);
      case Method::kCheckpoint:
        return inbox_.checkpoint(std::move(q.user), std::move(q.device), std::move(q.dialog), q.seq);
      case Method::kCheckpoints:
        return inbox_.checkpoints(std::move(q.user), std::move(q.device), std::move(q.after), limit);
    }
    return answer(invalid("malformed call"));
  }

  Task<Reply> on_service(ServiceCall call) {
    if (call.method == "try") {
      TryRequest q;
      if (decode(call.data, q)) return tcc_.try_send(std::move(q));
      return answer(invalid("malformed call"));
    }
    if (call.method == "erase") return erase(std::move(call));
    if (call.method == "erase_files") return erase_files(std::move(call));
    if (call.method == "project") {
      Projection p;
      if (decode(call.data, p)) return inbox_.project(std::move(p));
      return answer(invalid("malformed call"));
    }
    if (call.method == "forget_blocks") return forget_blocks(std::move(call.key));
    wire::Reader r(call.data);
    if (call.method == "hide" || call.method == "admit" || call.method == "blocks_changed") {
      std::string other(r.str());
      const bool direct = call.method == "admit" && !r.at_end() && r.boolean();
      if (!r.ok()) return answer(invalid("malformed call"));
      if (call.method == "hide") return hide(std::move(call.key), std::move(other));
      if (call.method == "admit") return contacts_.admit(std::move(call.key), std::move(other), direct);
      return blocks_changed(std::move(call.key), std::move(other));
    }
    if (call.method == "feed" || call.method == "feed_rest") {
      const uint64_t position = r.u64();
      const uint64_t limit = call.method == "feed" ? r.u64() : 0;
      if (!r.ok()) return answer(invalid("malformed call"));
      if (call.method == "feed") return feed_.page(std::move(call.key), position, limit);
      return feed_.rest(std::move(call.key), position);
    }
    if (call.method == "access" || call.method == "head" || call.method == "mark") {
      std::string user(r.str());
      const uint64_t dseq = call.method == "head" ? 0 : r.u64();
      if (!r.ok()) return answer(invalid("malformed call"));
      if (call.method == "mark") return marks_.mark(std::move(call.key), std::move(user), dseq);
      if (call.method == "access") return access(std::move(call.key), std::move(user), dseq);
      return head(std::move(call.key), std::move(user));
    }
    chat::Key key;
    chat::get(r, key);
    const uint64_t id = r.u64();
    if (!r.ok()) return answer(invalid("malformed call"));
    if (call.method == "confirm") return tcc_.confirm(std::move(key), id);
    if (call.method == "cancel") return tcc_.cancel(std::move(key), id);
    if (call.method == "resolve") return tcc_.resolve(std::move(key), id);
    if (call.method == "void") return tcc_.give_up(std::move(key));
    if (call.method == "explain") return explain(std::move(key.dialog), id);
    return answer(Reply::error(LCG_E_UNSUPPORTED, "dialog: no method " + call.method));
  }

  Task<Reply> erase(ServiceCall call) {
    wire::Reader r(call.data);
    std::vector<EntryName> entries(std::min<uint64_t>(r.count(), kMaxPageEntries + 1));
    for (EntryName& entry : entries) {
      entry.dseq = r.u64();
      entry.id = r.u64();
    }
    if (!r.ok() || entries.size() > kMaxPageEntries) return answer(invalid("malformed call"));
    return eraser_.erase(std::move(call.key), std::move(entries));
  }

  Task<Reply> erase_files(ServiceCall call) {
    wire::Reader r(call.data);
    std::vector<uint64_t> positions(std::min<uint64_t>(r.count(), storage::kMaxScrubDocuments + 1));
    for (uint64_t& position : positions) position = r.u64();
    if (!r.ok() || positions.size() > storage::kMaxScrubDocuments) return answer(invalid("malformed call"));
    return eraser_.erase_files(std::move(call.key), std::move(positions));
  }

  Task<Reply> access(std::string id, std::string user, uint64_t dseq) {
    Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
    if (!opened.ok()) co_return not_open(opened);
    const DialogPtr dialog = std::move(opened.value);
    Outcome<Member*> member = co_await directory_.member(dialog, std::move(user));
    if (!member.ok()) co_return busy(member.message);
    if (member.value == nullptr) co_return denied();
    const bool allowed = dseq == 0 ? member.value->in() : may_read(dialog->meta, *member.value, dseq);
    co_return allowed ? Reply() : denied();
  }

  Task<Reply> head(std::string id, std::string user) {
    Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
    if (!opened.ok()) co_return not_open(opened);
    const DialogPtr dialog = std::move(opened.value);
    Outcome<Member*> member = co_await directory_.member(dialog, std::move(user));
    if (!member.ok()) co_return busy(member.message);
    if (member.value == nullptr || !member.value->in()) co_return denied();
    const std::vector<Window> windows = readable(dialog->meta, *member.value, 1, dialog->head);
    const uint64_t first = windows.empty() ? 0 : windows.front().from;
    co_return Reply::with(wire::Writer().u64(dialog->head).u64(first).str(dialog->meta.epoch).take());
  }

  Task<Reply> explain(std::string id, uint64_t message_id) {
    Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
    if (!opened.ok()) co_return Reply::error(opened.status, "dialog: " + opened.message);
    Outcome<EntryPtr> found = co_await reader_.find(opened.value, message_id);
    if (!found.ok()) co_return Reply::error(found.status, found.message);
    if (found.value == nullptr) co_return Reply();
    Entry entry = *found.value;
    if (!entry.by_reference())
      entry.body = "null";  // the operator is shown where a message is, not what it says
    co_return Reply::with(to_json(entry, opened.value->id));
  }

  Host host_;
  const Settings settings_;
  Directory directory_;
  Log log_;
  Reader reader_;
  Feed feed_;
  Counter counter_;
  Marks marks_;
  Notifier notifier_;
  Membership membership_;
  Inbox inbox_;
  Contacts contacts_;
  Tcc tcc_;
  Typing typing_;
  PullBudget pulls_;
  Eraser eraser_;
  History history_;
  Provider provider_;
};

}  // namespace lcg::dialog

LCG_PLUGIN_PROVIDES(lcg::dialog::DialogPlugin, "dialog", "1.0.0", "Apache-2.0", "dialog channel:dialog")
