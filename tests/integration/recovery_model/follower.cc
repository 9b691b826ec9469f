#include "tests/integration/recovery_model/follower.h"

#include <algorithm>

#include "broker/channel/fossil_delta.h"

namespace lcg::recovery_model {
namespace {

constexpr size_t kMaxData = 1u << 16;

std::string at(const std::string& epoch, uint64_t offset) { return epoch + "/" + std::to_string(offset); }

}  // namespace

void Truth::published(const StreamPosition& position, Entry entry) {
  by_epoch_[position.epoch].emplace(position.offset, std::move(entry));
}

const Truth::Entry* Truth::find(const std::string& epoch, uint64_t offset) const {
  const auto entries = by_epoch_.find(epoch);
  if (entries == by_epoch_.end()) return nullptr;
  const auto entry = entries->second.find(offset);
  return entry == entries->second.end() ? nullptr : &entry->second;
}

uint64_t Truth::top(const std::string& epoch) const {
  const auto entries = by_epoch_.find(epoch);
  return entries == by_epoch_.end() ? 0 : entries->second.rbegin()->first;
}

bool Truth::was_unkept(const std::string& data) const {
  return std::find(unkept_.begin(), unkept_.end(), data) != unkept_.end();
}

void Follower::subscribed(const std::optional<StreamPosition>& asked, const Answer& answer) {
  delta_ = answer.delta;
  base_.reset();
  if (answer.was_recovering != asked.has_value()) complain("was_recovering is not what was asked");
  const bool continues = asked && answer.recovered && !cache_mode_;
  if (continues) {
    if (answer.position.offset != asked->offset)
      complain("recovered from " + std::to_string(answer.position.offset) + " and asked for " +
               std::to_string(asked->offset));
    if (!asked->epoch.empty() && answer.position.epoch != asked->epoch)
      complain("recovered although the epoch is another one");
  } else if (!answer.recovered && !answer.publications.empty()) {
    complain("publications although nothing was recovered");
  }
  position_ = answer.position;
  for (const Sent& sent : answer.publications) take(sent);
}

void Follower::take(const Sent& sent) {
  std::string data = sent.data;
  if (sent.patch) {
    std::optional<std::string> made;
    if (delta_ && base_) made = broker::apply_fossil_delta(*base_, sent.data, kMaxData);
    if (!made) return complain("a patch that does not fit at " + std::to_string(sent.offset));
    data = std::move(*made);
    ++patched_;
  }
  base_ = data;
  if (sent.offset == 0) {
    unkept_.push_back(std::move(data));
    return;
  }
  if (!position_) return complain("a publication before the answer");
  if (sent.offset <= position_->offset) {
    return complain("told " + std::to_string(sent.offset) + " when it was at " +
                    std::to_string(position_->offset));
  }
  taken_.push_back({position_->epoch, position_->offset, sent.offset, std::move(data)});
  position_->offset = sent.offset;
}

bool Follower::wants(const Truth::Entry& entry) const {
  if (tag_.empty()) return true;
  return std::any_of(entry.tags.begin(), entry.tags.end(),
                     [this](const auto& tag) { return tag.first == "t" && tag.second == tag_; });
}

void Follower::check(const Truth& truth, const Taken& taken, std::vector<std::string>& out) const {
  const Truth::Entry* entry = truth.find(taken.epoch, taken.offset);
  const std::string where = name_ + ": " + at(taken.epoch, taken.offset);
  if (entry == nullptr)
    out.push_back(where + " was never published");
  else if (entry->data != taken.data)
    out.push_back(where + " is another text: " + taken.data + ", not " + entry->data);
  else if (!wants(*entry))
    out.push_back(where + " does not pass its filter");
  for (uint64_t between = taken.after + 1; between < taken.offset; ++between) {
    const Truth::Entry* missed = truth.find(taken.epoch, between);
    if (missed == nullptr || wants(*missed)) out.push_back(name_ + ": a gap at " + at(taken.epoch, between));
  }
}

std::vector<std::string> Follower::violations(const Truth& truth, bool settled) const {
  std::vector<std::string> out = complaints_;
  for (const Taken& taken : taken_) check(truth, taken, out);
  for (const std::string& data : unkept_)
    if (!truth.was_unkept(data)) out.push_back(name_ + ": nobody published " + data);
  if (!settled || !position_) return out;
  for (uint64_t left = position_->offset + 1; left <= truth.top(position_->epoch); ++left) {
    const Truth::Entry* missed = truth.find(position_->epoch, left);
    if (missed == nullptr || wants(*missed))
      out.push_back(name_ + ": never got " + at(position_->epoch, left));
  }
  return out;
}

}  // namespace lcg::recovery_model
