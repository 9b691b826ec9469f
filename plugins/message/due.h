// SPDX-License-Identifier: Apache-2.0
// Due: the erasures that are not done, and who is at which. One is at each at a time, the others wait for its answer;
// whatever way it is left, it is answered and, not done, open to the next. Lane: the instance's.
#pragma once
#include <memory>
#include <unordered_map>
#include <vector>

#include "lcg/services/message.hpp"
#include "lcg/sync.hpp"

namespace lcg::message {

class Due {
 public:
  using Work = std::shared_ptr<Future<lcg_status>>;
  class Turn;

  void add(uint64_t recall) { works_.try_emplace(recall); }
  void erase(uint64_t recall) { works_.erase(recall); }
  bool empty() const { return works_.empty(); }
  bool contains(uint64_t recall) const { return works_.contains(recall); }
  void lost(uint32_t slot) {
    std::erase_if(works_, [slot](const auto& item) { return slot_of_id(item.first) == slot; });
  }
  // Those nobody is at.
  std::vector<uint64_t> open() const {
    std::vector<uint64_t> out;
    for (const auto& [recall, work] : works_)
      if (work == nullptr) out.push_back(recall);
    return out;
  }
  // nullptr: nobody is at it.
  Work at(uint64_t recall) const {
    const auto it = works_.find(recall);
    return it == works_.end() ? nullptr : it->second;
  }

 private:
  std::unordered_map<uint64_t, Work> works_;  // nullptr: nobody is at it
};

// Being at one. Left without end(), by an exception, it has failed.
class Due::Turn {
 public:
  // REQUIRES: due.at(recall) == nullptr.
  Turn(Due& due, uint64_t recall)
      : due_(due), recall_(recall), work_(std::make_shared<Future<lcg_status>>()) {
    due_.works_.insert_or_assign(recall_, work_);
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() { end(LCG_E_INTERNAL); }

  // False: the slot was lost, and its next owner goes on.
  bool holds() const { return due_.at(recall_) == work_; }
  // Its answer, the first that is given; LCG_OK: it is done.
  void end(lcg_status status) {
    if (work_->is_set()) return;
    if (holds() && status == LCG_OK) {
      due_.works_.erase(recall_);
    } else if (holds()) {
      due_.works_[recall_] = nullptr;
    }
    work_->set(status);
  }

 private:
  Due& due_;
  const uint64_t recall_;
  const Work work_;
};

}  // namespace lcg::message
