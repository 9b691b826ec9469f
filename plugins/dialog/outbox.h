// SPDX-License-Identifier: Apache-2.0
// Outbox: the users of a dialog whose own list does not know their membership. The store has them all
// (kOutboxDocs, written with the change itself); here is what memory knows of them: the first kMaxOutbox in the
// order of their changes, and whether the store has others. Every operation costs the same, however many wait.
// Lane: the instance's.
#pragma once
#include <cstdint>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace lcg::dialog {

inline constexpr size_t kMaxOutbox = 4096;  // users of one dialog; the others are found in the store

class Outbox {
 public:
  // The membership of `user` changes with position `dseq`. REQUIRES: positions do not decrease.
  void add(const std::string& user, uint64_t dseq) {
    if (queue_.size() < kMaxOutbox) {
      queue_.emplace_back(dseq, user);
    } else {
      look_in_store(dseq);
    }
  }
  // The store may have users that are not here, of changes up to `dseq`.
  void look_in_store(uint64_t dseq) {
    if (!first_stored_ || dseq < *first_stored_) first_stored_ = dseq;
    if (dseq > last_stored_) last_stored_ = dseq;
  }

  bool empty() const { return queue_.empty() && !first_stored_; }
  // Somebody is to be told of a change up to `head`.
  bool due(uint64_t head) const { return queue_due(head) || store_due(head); }
  bool queue_due(uint64_t head) const { return !queue_.empty() && queue_.front().first <= head; }
  bool store_due(uint64_t head) const { return first_stored_ && *first_stored_ <= head; }

  // At most `most` users with changes up to `head`, oldest first.
  std::vector<std::string> take(uint64_t head, size_t most) {
    std::vector<std::string> users;
    while (queue_due(head) && users.size() < most) {
      taken_.insert(queue_.front().second);
      users.push_back(std::move(queue_.front().second));
      queue_.pop_front();
    }
    return users;
  }
  // What was taken is told, or is looked for in the store.
  void taken_done() { taken_.clear(); }
  // All who are not told yet. None while the store may have others.
  std::optional<std::set<std::string>> users() const {
    if (first_stored_ || passing_) return std::nullopt;
    std::set<std::string> all = taken_;
    for (const auto& [dseq, user] : queue_) all.insert(user);
    return all;
  }
  // Whoever calls this goes through the store now, and sees all changes up to `head`.
  void store_pass_begins(uint64_t head) {
    passing_ = true;
    first_stored_.reset();
    if (last_stored_ > head) first_stored_ = head + 1;
  }
  void store_pass_ends() { passing_ = false; }

 private:
  std::list<std::pair<uint64_t, std::string>> queue_;  // (position of the change, user)
  std::optional<uint64_t> first_stored_;
  uint64_t last_stored_ = 0;
  std::set<std::string> taken_;
  bool passing_ = false;
};

}  // namespace lcg::dialog
