// SPDX-License-Identifier: Apache-2.0
#include "log.h"

#include <algorithm>

#include "lcg/ext/channels.h"
#include "lcg/services/message.hpp"

namespace lcg::dialog {
namespace {

constexpr uint32_t kUnsubscribed = 2000, kReconnect = 3011;  // client-protocol 1.11

}  // namespace

void Log::place(Dialog& dialog, Entry& entry) const {
  entry.dseq = dialog.submitted + 1;
  entry.ts_ms = std::max(host_.wall_ms(), dialog.last_ts_ms);
  // Not before the message's own id, so that a search by time finds it whatever the clock did (finder in
  // reader.h).
  if (entry.id != 0) entry.ts_ms = std::max(entry.ts_ms, message::ms_of_id(entry.id));
}

void Log::require_order(const Dialog& dialog, uint64_t dseq, storage::Batch& batch) const {
  if (!dialog.pending.empty()) batch.require_present(kLogDocs, storage::key_u64(dseq - 1));
}

Task<lcg_status> Log::append(DialogPtr dialog, Entry entry, storage::Batch batch) {
  const std::string key = storage::key_u64(entry.dseq);
  require_order(*dialog, entry.dseq, batch);
  batch.require_absent(kLogDocs, key).put(kLogDocs, key, encode(entry));
  batch.durable = true;
  dialog->submitted = entry.dseq;
  dialog->last_ts_ms = entry.ts_ms;
  const auto pending = std::make_shared<Pending>();
  pending->entry = std::make_shared<const Entry>(std::move(entry));
  dialog->pending.push_back(pending);
  const uint64_t id = pending->entry->id;
  if (id != 0) dialog->pending_messages.emplace(id, pending);
  ++dialog->writes;
  Reply reply = co_await store_.commit(dialog->id, std::move(batch));
  --dialog->writes;

  pending->durable = reply.ok();
  pending->failed = !reply.ok();
  pending->outcome.set(reply.ok());
  dialog->pending_messages.erase(id);
  if (reply.ok()) {
    advance(dialog);
    directory_.write_ended(*dialog);
  } else {
    directory_.fail(*dialog);
  }
  co_return reply.status;
}

Task<lcg_status> Log::write(DialogPtr dialog, storage::Batch batch) {
  require_order(*dialog, dialog->submitted + 1, batch);
  ++dialog->writes;
  Reply reply = co_await store_.commit(dialog->id, std::move(batch));
  --dialog->writes;
  if (reply.ok()) {
    directory_.write_ended(*dialog);
  } else {
    directory_.fail(*dialog);
  }
  co_return reply.status;
}

// Answers of the store may overtake each other; subscribers and readers see positions in order.
void Log::advance(const DialogPtr& dialog) {
  bool moved = false;
  while (!dialog->pending.empty() && dialog->pending.front()->durable) {
    EntryPtr entry = dialog->pending.front()->entry;
    dialog->pending.pop_front();
    dialog->head = entry->dseq;
    publish(*dialog, *entry);
    end_subscriptions(*dialog, *entry);
    dialog->tail.push(std::move(entry));
    moved = true;
  }
  if (moved) appended_(dialog);
}

// Whoever is out sees nothing that comes after his leaving: this stands between the publication of the entry
// that says so and that of the next.
void Log::end_subscriptions(const Dialog& dialog, const Entry& entry) const {
  if (entry.kind != chat::Kind::kMember) return;
  if (entry.op != "leave" && entry.op != "remove" && entry.op != "ban") return;
  for (const std::string& user : entry.users) unsubscribe(dialog, user);
}

void Log::unsubscribe(const Dialog& dialog, const std::string& user) const {
  const std::string channel = "dialog:" + dialog.id;
  const auto* channels = host_.query<lcg_channels_v1>(LCG_CHANNELS_V1);
  if (channels != nullptr && LCG_HAS(channels, unsubscribe)) {
    channels->unsubscribe(host_.core()->host()->ctx, str(channel), str(user), kUnsubscribed,
                          str("not a member"));
    return;
  }
  Disconnect d;
  d.code = kReconnect;
  d.reason = "force reconnect";
  d.user_id = user;
  static_cast<void>(host_.disconnect(d));
}

void Log::publish(const Dialog& dialog, const Entry& entry) const {
  Publication publication;
  publication.channel = "dialog:" + dialog.id;
  publication.data = to_json(entry, dialog.id);
  publication.user_id = entry.user;
  publication.session_id = entry.session;
  publication.flags = LCG_PUB_POSITIONED;
  publication.offset = entry.dseq;
  publication.epoch = dialog.meta.epoch;
  // At most once: a lost one is a gap that subscribers notice at the next.
  const lcg_status status = host_.publish_and_forget(publication);
  if (status != LCG_OK) host_.warn("publication refused channel=" + publication.channel);
}

}  // namespace lcg::dialog
