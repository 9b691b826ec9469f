// SPDX-License-Identifier: Apache-2.0
// Entry: one position of a dialog's log, as stored and as clients see it.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/services/chat.hpp"

namespace lcg::dialog {

struct Entry {
  chat::Kind kind = chat::Kind::kMessage;
  uint64_t dseq = 0;
  int64_t ts_ms = 0;
  std::string user;  // who did it
  // What a member said or did to a message (msg, edit, recall, react).
  uint64_t id = 0;
  std::string device;
  uint64_t epoch = 0, cseq = 0, useq = 0;
  uint64_t uprev = 0,
           cprev = 0;      // positions of the same user's, and the same device's, previous such entry; 0 none
  std::string session;     // the publisher's connection
  std::string type, body;  // body: JSON, empty when larger than chat::kInlineBodyBytes or recalled
  uint64_t body_bytes = 0;
  bool recalled = false;
  uint64_t target = 0, target_dseq = 0;
  // What changed (member, meta).
  std::string op;                  // create, join, leave, add, remove, role, mute, ban, unban
  std::vector<std::string> users;  // whom it is about
  std::string detail;              // JSON members to add: "\"role\":\"admin\""; may be empty

  bool by_reference() const { return !recalled && body.empty() && body_bytes > 0; }
};
using EntryPtr = std::shared_ptr<const Entry>;

std::string encode(const Entry& e);
bool decode(std::string_view data, Entry& e);

// As pushed, and as history and recovery give it: one line of JSON. A large body is left out ("ref":true).
std::string to_json(const Entry& e, std::string_view dialog);
// The same with the body of an entry that has it by reference.
std::string to_json(const Entry& e, std::string_view dialog, std::string_view body);

}  // namespace lcg::dialog
