// SPDX-License-Identifier: Apache-2.0
// dialog.hpp: typed client of the service "dialog": the ordered log of a dialog, and who may touch it.
//
// try_send, confirm, cancel and resolve are the dialog's half of a two-phase send whose coordinator is the
// service "message". They are idempotent by (key, id). confirm is the one commit point: what it answered is
// durable, and cancel can never undo it. Whoever replaces the dialog plugin provides these methods; whoever
// replaces the message plugin calls them.
//
// Every call goes to the owner of the dialog's slot, the single writer of the dialog.
// A dialog that does not exist and one the user is not a member of give the same answer: LCG_E_DENIED, code
// 103.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lcg/host.hpp"
#include "lcg/services/chat.hpp"

namespace lcg::dialog {

struct TryRequest {
  chat::Key key;  // cseq 0 with numbered = false: the dialog gives the next one
  bool numbered = true;
  bool ephemeral = false;  // nobody named the device: it is one connection, and its messages are not numbered
  uint32_t window = 1;     // numbered messages in flight allowed, 1..chat::kMaxWindow
  uint64_t useq_expect = 0;  // 0: any; else refuse with 1006 unless it is the sender's next useq
  uint64_t id = 0;           // message id
  chat::Kind kind = chat::Kind::kMessage;
  std::string type;  // content type: "text", "image", ...
  std::string body;  // JSON; empty when larger than chat::kInlineBodyBytes
  uint64_t body_bytes = 0;
  std::string session;                   // publisher's connection, shown to subscribers
  uint64_t target = 0, target_dseq = 0;  // edit, recall, react: the message they are about
  std::string target_user;
};

struct TryAnswer {
  enum class State : uint8_t { kPrepared = 0, kDuplicate = 1 };
  State state = State::kPrepared;
  chat::Position position;  // prepared: only cseq; duplicate: what was committed, id 0 when no longer at hand
};

struct Resolution {
  enum class State : uint8_t { kUnknown = 0, kPrepared = 1, kCommitted = 2 };
  State state = State::kUnknown;
  chat::Position position;  // committed
};

struct Head {
  uint64_t head = 0;   // last durable position
  uint64_t first = 0;  // first position the user may read
  std::string epoch;
};

// A page of a dialog's log for whoever delivers it (services/events.hpp).
struct FeedEntry {
  uint64_t dseq = 0;
  int64_t ts_ms = 0;
  bool message = false;  // said or done to a message; else about members or the dialog
  std::string user, session;
  std::string json;  // the entry as history gives it, with its body
};
struct FeedPage {
  uint64_t head = 0;  // last durable position
  std::vector<FeedEntry> entries;
};

inline std::string encode(const TryRequest& q);
inline bool decode(std::string_view data, FeedPage& page);
inline bool decode(std::string_view data, TryRequest& q);

// An entry, and the message that it is to be.
struct EntryName {
  uint64_t dseq = 0, id = 0;
};

// Lane: the instance's.
class Client {
 public:
  explicit Client(Host host) : host_(host) {}

  // Checks membership, role and order, and holds the message for confirm (10 s). Refusals: codes 103 and
  // 1001..1016; LCG_E_BUSY: try again later.
  Task<Reply> try_send(TryRequest request) const {
    std::string dialog = request.key.dialog;
    co_return co_await host_.call({"dialog", "try", std::move(dialog), encode(request)});
  }
  // Appends what try_send holds; data is a Position. LCG_E_NOT_FOUND: nothing is held (try again from
  // try_send); LCG_E_BUSY, LCG_E_TIMEOUT, LCG_E_UNAVAILABLE: the outcome may be unknown, resolve tells.
  Task<Reply> confirm(chat::Key key, uint64_t id) const { return about("confirm", std::move(key), id); }
  // Forgets what is held and refuses a try of this id that comes later. data is a Resolution: kCommitted when
  // it was too late, else kUnknown.
  Task<Reply> cancel(chat::Key key, uint64_t id) const { return about("cancel", std::move(key), id); }
  // data is a Resolution; what is in the log decides.
  Task<Reply> resolve(chat::Key key, uint64_t id) const { return about("resolve", std::move(key), id); }
  // Advances a device past a number it will never send. LCG_OK also when the number was passed already.
  Task<Reply> give_up(chat::Key key) const { return about("void", std::move(key), 0); }
  // LCG_OK when `user` may read position `dseq` (0: when the user is a member now).
  Task<Reply> access(std::string dialog, std::string user, uint64_t dseq) const {
    std::string data = wire::Writer().str(user).u64(dseq).take();
    co_return co_await host_.call({"dialog", "access", std::move(dialog), std::move(data)});
  }
  Task<Outcome<Head>> head(std::string dialog, std::string user) const {
    std::string data = wire::Writer().str(user).take();
    Reply reply = co_await host_.call({"dialog", "head", std::move(dialog), std::move(data)});
    Outcome<Head> out{reply.status, reply.message, {}};
    if (reply.ok()) {
      wire::Reader r(reply.data);
      out.value.head = r.u64();
      out.value.first = r.u64();
      out.value.epoch = r.str();
      if (!r.ok()) out.status = LCG_E_INTERNAL;
    }
    co_return out;
  }
  // Entries after `after`, in order, at most `limit`.
  Task<Outcome<FeedPage>> feed(std::string dialog, uint64_t after, uint32_t limit) const {
    std::string data = wire::Writer().u64(after).u64(limit).take();
    Reply reply = co_await host_.call({"dialog", "feed", std::move(dialog), std::move(data)});
    Outcome<FeedPage> out{reply.status, reply.message, {}};
    if (reply.ok() && !decode(reply.data, out.value)) out.status = LCG_E_INTERNAL;
    co_return out;
  }
  // LCG_OK: nothing is there after `at` or on its way, and whoever adds something marks the dialog first
  // (events::Client::mark). LCG_E_CONFLICT: something is.
  Task<Reply> feed_rest(std::string dialog, uint64_t at) const {
    std::string data = wire::Writer().u64(at).take();
    co_return co_await host_.call({"dialog", "feed_rest", std::move(dialog), std::move(data)});
  }
  // `user` has blocked or unblocked `other`, and the service "user" answers so already. LCG_OK: from now on it
  // counts in their direct dialog.
  Task<Reply> blocks_changed(std::string user, std::string other) const {
    std::string data = wire::Writer().str(other).take();
    co_return co_await host_.call({"dialog", "blocks_changed", std::move(user), std::move(data)});
  }
  // What these entries say goes, in the store and in memory; the entries stay, as recalled. LCG_OK: durable. Those that are
  // not the messages of the ids are left alone. At most 200.
  Task<Reply> erase(std::string dialog, std::vector<EntryName> entries) const {
    wire::Writer w;
    w.u64(entries.size());
    for (const EntryName& entry : entries) w.u64(entry.dseq).u64(entry.id);
    co_return co_await host_.call({"dialog", "erase", std::move(dialog), w.take()});
  }
  // What was erased at these positions goes from the files of the store as well (services/storage_scrub.hpp). At most 1000.
  Task<Reply> erase_files(std::string dialog, std::vector<uint64_t> positions) const {
    constexpr uint32_t kTimeoutMs = 300'000;
    wire::Writer w;
    w.u64(positions.size());
    for (const uint64_t position : positions) w.u64(position);
    co_return co_await host_.call({"dialog", "erase_files", std::move(dialog), w.take(), kTimeoutMs});
  }
  // For the operator: the log entry of a message as JSON; empty data when there is none.
  Task<Reply> explain(chat::Key key, uint64_t id) const { return about("explain", std::move(key), id); }

 private:
  Task<Reply> about(std::string method, chat::Key key, uint64_t id) const {
    wire::Writer w;
    chat::put(w, key);
    std::string data = w.u64(id).take();
    co_return co_await host_.call({"dialog", std::move(method), std::move(key.dialog), std::move(data)});
  }
  Host host_;
};

// --- wire ----------------------------------------------------------------------------------------

inline std::string encode(const TryRequest& q) {
  wire::Writer w;
  chat::put(w, q.key);
  w.boolean(q.numbered).boolean(q.ephemeral).u64(q.window).u64(q.useq_expect).u64(q.id);
  w.u64(static_cast<uint64_t>(q.kind)).str(q.type).str(q.body).u64(q.body_bytes).str(q.session);
  return w.u64(q.target).u64(q.target_dseq).str(q.target_user).take();
}
inline bool decode(std::string_view data, TryRequest& q) {
  wire::Reader r(data);
  chat::get(r, q.key);
  q.numbered = r.boolean();
  q.ephemeral = r.boolean();
  q.window = static_cast<uint32_t>(r.u64());
  q.useq_expect = r.u64();
  q.id = r.u64();
  const uint64_t kind = r.u64();
  q.kind = static_cast<chat::Kind>(kind);
  q.type = r.str();
  q.body = r.str();
  q.body_bytes = r.u64();
  q.session = r.str();
  q.target = r.u64();
  q.target_dseq = r.u64();
  q.target_user = r.str();
  return r.ok() && kind <= static_cast<uint64_t>(chat::Kind::kReact);
}

// TryAnswer and Resolution have the same form: a state and a position.
inline std::string encode_state(uint64_t state, const chat::Position& position) {
  wire::Writer w;
  w.u64(state);
  chat::put(w, position);
  return w.take();
}
inline bool decode(std::string_view data, TryAnswer& a) {
  wire::Reader r(data);
  a.state = r.u64() == 1 ? TryAnswer::State::kDuplicate : TryAnswer::State::kPrepared;
  chat::get(r, a.position);
  return r.ok();
}
inline bool decode(std::string_view data, Resolution& a) {
  wire::Reader r(data);
  const uint64_t state = r.u64();
  a.state = static_cast<Resolution::State>(state);
  chat::get(r, a.position);
  return r.ok() && state <= 2;
}
inline std::string encode(const TryAnswer& a) {
  return encode_state(static_cast<uint64_t>(a.state), a.position);
}
inline std::string encode(const Resolution& a) {
  return encode_state(static_cast<uint64_t>(a.state), a.position);
}

inline std::string encode(const FeedPage& page) {
  wire::Writer w;
  w.u64(page.head).u64(page.entries.size());
  for (const FeedEntry& e : page.entries)
    w.u64(e.dseq)
        .u64(static_cast<uint64_t>(e.ts_ms))
        .boolean(e.message)
        .str(e.user)
        .str(e.session)
        .str(e.json);
  return w.take();
}
inline bool decode(std::string_view data, FeedPage& page) {
  wire::Reader r(data);
  page.head = r.u64();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) {
    FeedEntry e;
    e.dseq = r.u64();
    e.ts_ms = static_cast<int64_t>(r.u64());
    e.message = r.boolean();
    e.user = r.str();
    e.session = r.str();
    e.json = r.str();
    page.entries.push_back(std::move(e));
  }
  return r.ok();
}

inline std::string encode(const chat::Position& p) {
  wire::Writer w;
  chat::put(w, p);
  return w.take();
}
inline bool decode(std::string_view data, chat::Position& p) {
  wire::Reader r(data);
  chat::get(r, p);
  return r.ok();
}

}  // namespace lcg::dialog
