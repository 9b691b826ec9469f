// SPDX-License-Identifier: Apache-2.0
#include "said.h"

#include <algorithm>

#include "lcg/wire.hpp"

namespace lcg::dialog {

namespace {

uint8_t byte_at(const std::string& bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

}  // namespace

void Said::Block::add(const Entry& e) {
  ++next_;
  if (e.kind != chat::Kind::kMessage || e.recalled) return;
  const auto known = std::find(authors_.begin(), authors_.end(), e.user);
  const auto author = static_cast<size_t>(known - authors_.begin());  // at most kBlock of them: a byte
  if (known == authors_.end()) authors_.push_back(e.user);
  items_ += static_cast<char>(static_cast<uint8_t>(e.dseq - first_));
  items_ += static_cast<char>(static_cast<uint8_t>(author));
}

void Said::Block::remove(uint64_t dseq) {
  if (dseq < first_ || dseq >= next_) return;
  for (size_t i = 0; i < items_.size(); i += 2)
    if (byte_at(items_, i) == dseq - first_) return void(items_.erase(i, 2));
}

uint64_t Said::Block::count(uint64_t from, uint64_t to, std::string_view user) const {
  const auto known = std::find(authors_.begin(), authors_.end(), user);
  const auto own = static_cast<size_t>(known - authors_.begin());
  uint64_t count = 0;
  for (size_t i = 0; i < items_.size(); i += 2) {
    const uint64_t dseq = first_ + byte_at(items_, i);
    if (dseq >= from && dseq <= to && byte_at(items_, i + 1) != own) ++count;
  }
  return count;
}

std::string Said::Block::encode() const {
  wire::Writer w;
  w.u64(authors_.size());
  for (const std::string& author : authors_) w.str(author);
  return w.str(items_).take();
}

bool Said::Block::decode(std::string_view data) {
  wire::Reader r(data);
  authors_.clear();
  for (uint64_t n = r.count(); n > 0 && r.ok(); --n) authors_.emplace_back(r.str());
  items_ = r.str();
  bool good = r.ok() && items_.size() % 2 == 0 && authors_.size() <= kBlock;
  for (size_t i = 0; good && i < items_.size(); i += 2) good = byte_at(items_, i + 1) < authors_.size();
  if (good) next_ = first_ + kBlock;
  return good;
}

Said::Block* Said::find(uint64_t number) {
  const auto it = blocks_.find(number);
  return it == blocks_.end() ? nullptr : &it->second;
}

const Said::Block& Said::keep(uint64_t number, Block block) {
  for (const uint64_t dseq : recalled_) block.remove(dseq);
  blocks_.erase(number);
  const auto kept = blocks_.emplace(number, std::move(block)).first;
  size_t size = 0;
  for (auto it = blocks_.rbegin(); it != blocks_.rend(); ++it) size += it->second.size() + 8;
  for (auto it = blocks_.begin(); size > kMaxKept && std::next(it) != blocks_.end();) {
    if (it == kept) {
      ++it;
      continue;
    }
    size -= it->second.size() + 8;
    it = blocks_.erase(it);
  }
  return kept->second;
}

void Said::recall(uint64_t dseq, bool alone) {
  if (alone && !reading) recalled_.clear();  // whatever is read from now on knows of them
  ++recalls_;
  recalled_.push_back(dseq);
  if (recalled_.size() > kMaxRecalled) recalled_.pop_front();
  if (Block* const block = find(number_of(dseq))) block->remove(dseq);
}

Said::Counted Said::counted(const std::string& user, uint64_t mark, uint64_t version) const {
  const auto it = counted_.find(user);
  if (it == counted_.end()) return {};
  const Counted& c = it->second;
  return c.read == mark && c.version == version && c.recalls == recalls_ ? c : Counted{};
}

void Said::remember(const std::string& user, const Counted& counted) {
  if (counted.recalls != recalls_) return;  // of what has been recalled meanwhile
  if (counted_.size() >= kMaxCounted && !counted_.contains(user)) counted_.clear();
  counted_[user] = counted;
}

}  // namespace lcg::dialog
