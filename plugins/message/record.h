// SPDX-License-Identifier: Apache-2.0
// Record: what is stored of one message, and the keys it is found by.
//
// A record goes kTrying -> kConfirmed or kCancelled and never back. Records, their keys and the list of those
// still trying lie in the partition of the dialog's slot, so one batch changes them together.
#pragma once
#include <string>
#include <string_view>

#include "lcg/services/chat.hpp"
#include "lcg/services/message.hpp"

namespace lcg::message {

// Collections of partition "@<slot>".
inline constexpr char kRecords[] = "message";      // id -> Record
inline constexpr char kBodies[] = "message_body";  // id -> body larger than chat::kInlineBodyBytes
inline constexpr char kKeys[] = "message_key";     // chat::Key -> KeyEntry
inline constexpr char kAbout[] = "message_about";  // target, id -> "": the target's edits and reactions
inline constexpr char kErasing[] =
    "message_erasing";  // id of a recall -> "": what it takes back is not all gone
inline constexpr char kTryingIndex[] = "message_trying";  // id -> "": neither confirmed nor cancelled yet

enum class Status : uint8_t { kTrying = 0, kConfirmed = 1, kCancelled = 2 };

struct Record {
  uint64_t id = 0;
  chat::Key key;  // cseq 0 with numbered = false: the dialog gave it at the commit
  bool numbered = true;
  chat::Kind kind = chat::Kind::kMessage;
  std::string type;
  Status status = Status::kTrying;
  uint64_t attempt = 1;  // grows when a cancelled message is sent again under the same key
  int64_t created_ms = 0, updated_ms = 0;
  uint64_t body_bytes = 0;
  std::string body;         // JSON; empty when it lies in kBodies
  chat::Position position;  // confirmed
  uint64_t target = 0;      // edit, recall, react
  uint64_t changed_by = 0;  // dseq of the last edit or recall applied to this message
  bool edited = false, recalled = false;

  // What it says is not kept: it was taken back, or never came to be.
  bool erased() const { return recalled || status == Status::kCancelled; }
  void erase_text() {
    type.clear();
    body.clear();
    body_bytes = 0;
  }
  bool inline_body() const { return body_bytes <= chat::kInlineBodyBytes; }
};

std::string encode(const Record& r);
bool decode(std::string_view data, Record& r);

// What a key points to: the message, and a hash of what was sent so that another content is noticed. The hash is empty
// once the message was erased or cancelled: a short text can be guessed from it. Or, with id 0,
// why it was refused before it was kept: the same content gets the same answer, and nobody is asked twice.
struct KeyEntry {
  uint64_t id = 0;
  std::string content_hash;
  uint32_t refused_code = 0;
  std::string refused_why = {};

  bool refused() const { return id == 0; }
  bool may_be(const std::string& hash) const { return content_hash.empty() || content_hash == hash; }
};
std::string encode(const KeyEntry& e);
bool decode(std::string_view data, KeyEntry& e);

// Orders by user, device, epoch, dialog, cseq.
std::string storage_key(const chat::Key& key);
// 16 bytes of BLAKE2b over everything a sender chooses.
std::string content_hash(const SendRequest& request);

// As a client sees it. `body` is the record's or the one from kBodies.
std::string to_json(const Record& r, std::string_view body);
std::string_view status_name(Status status);

}  // namespace lcg::message
