// SPDX-License-Identifier: Apache-2.0
// Said: at which positions of a dialog a message stands, and whose: what unread counts are made of.
//
// Positions are cut into blocks of 256. A block has two bytes for each message that stands, and each of its authors
// once; edits, recalls, reactions and what is about members are in none, and a message that is recalled goes out of
// its block. So what is unread is counted without the log, also where most of the log is something else.
//
// A block is made from the log when it is first needed and is then kept in the store (kSaidDocs), written once when all
// of its positions are there. A recall erases the document in its own batch: it is made again when it is needed. What
// is read while a recall is on its way to the store may be from before it: `recalled_` puts that right. Pure memory;
// counter.h reads and writes. Lane: the instance's.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "entry.h"
#include "lcg/sync.hpp"

namespace lcg::dialog {

class Said {
 public:
  static constexpr uint64_t kBlock = 256;
  static constexpr size_t kMaxKept =
      4096;  // messages in memory besides the newest block; the oldest make room
  static constexpr size_t kMaxCounted = 1000;   // members; above fan_limit (settings.h)
  static constexpr size_t kMaxRecalled = 8192;  // in memory: more than can be on their way to the store

  class Block {
   public:
    explicit Block(uint64_t number) : first_(number * kBlock), next_(first_) {}
    uint64_t next() const { return next_; }  // the first position that is not in it yet
    bool whole() const { return next_ == first_ + kBlock; }
    size_t size() const { return items_.size() / 2; }
    // REQUIRES: e.dseq == next().
    void add(const Entry& e);
    void remove(uint64_t dseq);
    // Messages at from..to that are not of `user`.
    uint64_t count(uint64_t from, uint64_t to, std::string_view user) const;

    std::string encode() const;
    // False: damaged. Else the block is whole.
    bool decode(std::string_view data);

   private:
    uint64_t first_;
    uint64_t next_;
    std::vector<std::string> authors_;
    std::string items_;  // a byte for the place in the block, one for the author
  };

  static uint64_t number_of(uint64_t dseq) { return dseq / kBlock; }

  // nullptr: it is not in memory.
  Block* find(uint64_t number);
  // Takes what was read, less what was recalled meanwhile. Valid until the next call.
  const Block& keep(uint64_t number, Block block);
  // The recall of `dseq` is submitted. `alone`: no other write of the dialog is on its way.
  void recall(uint64_t dseq, bool alone);
  uint64_t recalls() const { return recalls_; }

  // What was counted for a member last. What is said later is added to it, as long as the mark and the membership
  // are the same and nothing was recalled: so news costs what is new, however far behind the member is.
  struct Counted {
    uint64_t head = 0, read = 0, version = 0, recalls = 0;
    uint64_t count = 0;
    bool more = false;
  };
  // With head 0: begin with what is above the mark.
  Counted counted(const std::string& user, uint64_t mark, uint64_t version) const;
  void remember(const std::string& user, const Counted& counted);

  // Blocks are read one after the other.
  bool reading = false;
  Event read;

 private:
  std::map<uint64_t, Block> blocks_;
  std::deque<uint64_t> recalled_;
  uint64_t recalls_ = 0;
  std::unordered_map<std::string, Counted> counted_;
};

}  // namespace lcg::dialog
