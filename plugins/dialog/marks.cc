// SPDX-License-Identifier: Apache-2.0
#include "marks.h"

#include <algorithm>

#include "lcg/busy.hpp"
#include "lcg/json.hpp"
#include "refusals.h"

namespace lcg::dialog {

std::string encode(const Marked& m) {
  return wire::Writer()
      .u64(m.read)
      .u64(m.unread.head)
      .u64(m.unread.count)
      .boolean(m.unread.more)
      .u64(m.unread.looked_at)
      .str(m.title)
      .str(m.avatar)
      .take();
}

bool decode(std::string_view data, Marked& m) {
  wire::Reader r(data);
  m.read = r.u64();
  m.unread.head = r.u64();
  m.unread.count = r.u64();
  m.unread.more = r.boolean();
  m.unread.looked_at = r.u64();
  m.title = r.str();
  m.avatar = r.str();
  return r.ok();
}

void publish_passing(Host host, const Dialog& dialog, const std::string& user, std::string json) {
  Publication publication;
  publication.channel = "dialog:" + dialog.id;
  publication.data = std::move(json);
  publication.user_id = user;
  publication.flags = LCG_PUB_NO_HISTORY;
  static_cast<void>(host.publish_and_forget(publication));  // who misses it misses nothing that lasts
}

Task<Reply> Marks::mark(std::string id, std::string user, uint64_t seq) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  Outcome<Member*> member = co_await directory_.member(dialog, user);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr || !member.value->in()) co_return denied();
  co_await raise(dialog, user, seq);
  Outcome<Unread> unread = co_await counter_.unread(dialog, user, *member.value);
  if (!unread.ok()) co_return busy(unread.message);
  Marked answer;
  answer.read = member.value->read;
  answer.unread = unread.value;
  answer.title = dialog->meta.title;
  answer.avatar = dialog->meta.avatar;
  co_return Reply::with(encode(answer));
}

Task<> Marks::raise(DialogPtr dialog, std::string user, uint64_t seq) {
  const auto it = dialog->members.find(user);
  if (it == dialog->members.end() || !it->second.in() || !dialog->usable()) co_return;
  Member& member = it->second;
  seq = std::min(seq, dialog->head);
  if (seq <= member.read) co_return;
  member.read = seq;
  if (settings_.tell_seen && !dialog->meta.large && dialog->meta.member_count > 1) {
    dialog->seen[user] = seq;
    if (!dialog->telling_seen) host_.spawn(tell_seen(dialog));
  }
  storage::Batch batch;
  batch.durable = false;
  batch.put(kMemberDocs, user, encode(member));
  static_cast<void>(co_await log_.write(dialog, std::move(batch)));
}

Task<> Marks::tell_seen(DialogPtr dialog) {
  const Busy busy(dialog->telling_seen);
  const int64_t crowd = std::max<int64_t>(1, static_cast<int64_t>(dialog->meta.member_count / 50));
  while (!dialog->seen.empty() && dialog->usable()) {
    const lcg_status slept = co_await host_.sleep(settings_.notify_delay * crowd);
    if (slept != LCG_OK) break;
    std::vector<std::string> marks;
    while (!dialog->seen.empty() && marks.size() < kMaxSeenAtOnce) {
      const auto first = dialog->seen.begin();
      marks.push_back(json::Writer().text("user", first->first).num("seq", first->second).take());
      dialog->seen.erase(first);
    }
    json::Writer w;
    w.text("kind", "seen").text("dialog", dialog->id).raw("read", json::array(marks));
    publish_passing(host_, *dialog, {}, w.take());
  }
}

}  // namespace lcg::dialog
