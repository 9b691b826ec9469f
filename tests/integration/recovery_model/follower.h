// Follower: what a client that behaves as an SDK does knows of one channel, and what must be true of it.
//
// It trusts the server: it takes what it is sent, remembers the last offset, applies patches to what it took last, and
// starts over where it is told that recovery failed. Truth is what the publisher was answered. violations() compares
// the two: nothing is missing between what was taken unless that was told, nothing was taken twice or out of order, and
// every text is the one that was published, patches included.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "broker/api/types.h"

namespace lcg::recovery_model {

// What was published, by epoch and offset.
class Truth {
 public:
  struct Entry {
    std::string data;
    Tags tags;
  };
  void published(const StreamPosition& position, Entry entry);
  const Entry* find(const std::string& epoch, uint64_t offset) const;
  uint64_t top(const std::string& epoch) const;
  // Publications without a position.
  void published_unkept(std::string data) { unkept_.push_back(std::move(data)); }
  bool was_unkept(const std::string& data) const;

 private:
  std::map<std::string, std::map<uint64_t, Entry>> by_epoch_;
  std::vector<std::string> unkept_;
};

// As a client gets it.
struct Sent {
  uint64_t offset = 0;  // 0: without a position
  std::string data;     // or the patch
  bool patch = false;
};
struct Answer {
  bool recoverable = false, recovered = false, was_recovering = false, delta = false;
  StreamPosition position;
  std::vector<Sent> publications;
};

class Follower {
 public:
  // `tag`: takes only publications whose tag "t" has this value; "": all.
  Follower(std::string name, std::string tag, bool cache_mode)
      : name_(std::move(name)), tag_(std::move(tag)), cache_mode_(cache_mode) {}

  // Where the next subscribe recovers from; nothing: the client has no position.
  const std::optional<StreamPosition>& position() const { return position_; }
  const std::string& tag() const { return tag_; }

  // `asked`: what it asked to recover from.
  void subscribed(const std::optional<StreamPosition>& asked, const Answer& answer);
  void take(const Sent& sent);
  void complain(std::string what) { complaints_.push_back(name_ + ": " + std::move(what)); }

  // `settled`: it is subscribed and everything has arrived.
  std::vector<std::string> violations(const Truth& truth, bool settled) const;
  size_t taken() const { return taken_.size(); }
  size_t patched() const { return patched_; }

 private:
  struct Taken {
    std::string epoch;
    uint64_t after, offset;  // nothing between the two was sent
    std::string data;
  };
  bool wants(const Truth::Entry& entry) const;
  void check(const Truth& truth, const Taken& taken, std::vector<std::string>& out) const;

  const std::string name_, tag_;
  const bool cache_mode_;
  std::optional<StreamPosition> position_;
  bool delta_ = false;
  std::optional<std::string> base_;  // of the next patch
  std::vector<Taken> taken_;
  std::vector<std::string> unkept_, complaints_;
  size_t patched_ = 0;
};

}  // namespace lcg::recovery_model
