// SPDX-License-Identifier: Apache-2.0
#include "eraser.h"

#include "counter.h"
#include "lcg/services/storage_scrub.hpp"
#include "refusals.h"

namespace lcg::dialog {

Entry Eraser::without_text(const Entry& entry) {
  Entry erased = entry;
  erased.recalled = true;
  erased.body.clear();
  erased.type.clear();  // its sender's own words as well
  return erased;
}

void Eraser::take_out(Dialog& dialog, const Entry& erased, storage::Batch* batch) {
  batch->put(kLogDocs, storage::key_u64(erased.dseq), encode(erased));
  if (erased.kind == chat::Kind::kMessage) Counter::recalled(dialog, erased.dseq, batch);
  dialog.tail.replace(std::make_shared<const Entry>(erased));
}

Task<Reply> Eraser::erase(std::string id, std::vector<EntryName> entries) {
  Outcome<DialogPtr> opened = co_await directory_.open(std::move(id));
  if (opened.status == LCG_E_NOT_FOUND) co_return Reply();
  if (!opened.ok()) co_return not_open(opened);
  const DialogPtr dialog = std::move(opened.value);
  std::vector<Entry> erased;
  for (const EntryName& name : entries) {
    const uint64_t dseq = name.dseq;
    Outcome<EntryPtr> found = co_await reader_.entry(dialog, dseq);
    if (found.status == LCG_E_NOT_FOUND) continue;
    if (!found.ok()) co_return busy(found.message);
    if (found.value->id == name.id && !found.value->recalled) erased.push_back(without_text(*found.value));
  }
  Reply gone;
  if (!erased.empty()) gone = co_await overwrite(dialog, std::move(erased));
  ++dialog->erasures;
  co_return gone;
}

Task<Reply> Eraser::erase_files(std::string dialog, std::vector<uint64_t> positions) {
  std::vector<storage::DocumentName> documents;
  documents.reserve(positions.size());
  for (const uint64_t dseq : positions) documents.push_back({kLogDocs, storage::key_u64(dseq)});
  co_return co_await storage::scrub(host_, std::move(dialog), std::move(documents));
}

Task<Reply> Eraser::overwrite(DialogPtr dialog, std::vector<Entry> erased) {
  if (!dialog->usable()) co_return busy("the dialog is being read again");
  storage::Batch batch;
  for (const Entry& entry : erased) take_out(*dialog, entry, &batch);
  const lcg_status status = co_await log_.write(dialog, std::move(batch));
  if (status != LCG_OK) co_return busy("the store did not answer");
  co_return Reply();
}

}  // namespace lcg::dialog
