// SPDX-License-Identifier: Apache-2.0
#include "typing.h"

#include "lcg/json.hpp"
#include "marks.h"
#include "refusals.h"

namespace lcg::dialog {

Task<Reply> Typing::tell(std::string id, std::string user, bool typing) {
  const uint64_t wait_ms = budget_.pay(user, 1, host_.now_ns());
  if (wait_ms != 0) co_return retry_after(wait_ms);
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  if (contacts_.must_read_blocks(*dialog)) {
    const lcg_status read = co_await contacts_.read_blocks(dialog);
    if (read != LCG_OK) co_return busy("who has blocked whom is not known now");
  }
  Outcome<Member*> member = co_await directory_.member(dialog, user);
  if (!member.ok()) co_return busy(member.message);
  if (member.value == nullptr || !member.value->in()) co_return denied();
  if (member.value->muted_until_ms > host_.wall_ms()) co_return muted(member.value->muted_until_ms);
  Reply refusal = Contacts::may_write(*dialog, user);
  if (!refusal.ok()) co_return refusal;

  Dialog::Typing& told = dialog->typing;
  if (host_.now_ns() - told.since_ns >= 1'000'000'000) told = {host_.now_ns(), 0};
  const bool tell = !dialog->meta.large && told.count < kMaxTypingPerSecond;
  if (tell) {
    ++told.count;
    json::Writer w;
    w.text("kind", "typing").text("dialog", dialog->id).text("user", user).boolean("typing", typing);
    publish_passing(host_, *dialog, user, w.take());
  }
  co_return Reply::with(tell ? "{\"told\":true}" : "{\"told\":false}");
}

}  // namespace lcg::dialog
