// SPDX-License-Identifier: Apache-2.0
// chat.hpp: the words the services "message" and "dialog" share.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "lcg/lcg_plugin.h"
#include "lcg/wire.hpp"

namespace lcg::chat {

inline constexpr size_t kMaxUserBytes = 255, kMaxDeviceBytes = 128, kMaxDialogBytes = 64, kMaxTypeBytes = 32;
inline constexpr size_t kMaxBodyBytes = 64u << 10;    // one message's body, JSON
inline constexpr size_t kInlineBodyBytes = 4u << 10;  // larger bodies are pushed as a reference
inline constexpr uint32_t kMaxWindow = 8;  // numbered messages of one device in flight in one dialog

// Error codes a client sees besides the protocol's own; 103 stands for "not a member" and "no such dialog"
// alike. What goes with a code is in the error's text: "resend_from:5".
namespace code {
inline constexpr uint32_t kDenied = 103, kBadRequest = 107, kTooManyRequests = 111, kUnrecoverable = 112,
                          kResendFrom = 1001,  // resend_from:<cseq>: a number was skipped
    kStaleEpoch = 1002,                        // stale_epoch:<epoch>: the install started over since
    kKeyReuse = 1003,                          // key_reuse: this cseq was used for another content
    kWindowExceeded = 1004,                    // window:<n>: more in flight than allowed
    kVoid = 1005,                              // void: this cseq was given up, or carries no message
    kUserOrder = 1006,                         // last_useq:<n>: another device of the user was first
    kMuted = 1007,                             // muted_until:<unix ms>
    kExists = 1008,                            // exists: the dialog id is taken
    kTooLarge = 1009,                          // max_bytes:<n>
    kLastOwner = 1010,                         // last_owner: hand the dialog over first
    kFull = 1011,                              // max_members:<n>
    kBanned = 1012,                            // banned
    kRecalled = 1013,                          // recalled: the target is gone
    kMaxBans = 1014,                           // max_bans:<n>: unban somebody first
    kBlocking = 1015,                          // unblock: the user has blocked the other
    kMaxDialogs = 1016;                        // max_dialogs:<n>: leave a dialog first
}  // namespace code

// What an entry of a dialog's log is.
enum class Kind : uint8_t { kMessage = 0, kEdit = 1, kRecall = 2, kReact = 3, kMember = 4, kMeta = 5 };
inline constexpr std::string_view kKindNames[] = {"msg", "edit", "recall", "react", "member", "meta"};

// One message of one install, for ever: a retry with the same key gets the first answer.
struct Key {
  std::string user, device;
  uint64_t epoch = 0;  // of the device; issued by the registry
  std::string dialog;
  uint64_t cseq = 0;  // numbers the messages of (user, device, epoch) in dialog from 1
};

// Where a committed message stands.
struct Position {
  uint64_t id = 0;
  uint64_t dseq = 0;  // position in the dialog, dense from 1; the channel's offset
  uint64_t useq = 0;  // among the sender's messages in the dialog: grows by 1, from 1 or as docs/chat.md says
  uint64_t cseq = 0;
  int64_t ts_ms = 0;  // Unix ms, never decreasing within a dialog
};

// A dialog id: 1 to 64 of [A-Za-z0-9._~-].
inline bool valid_dialog_id(std::string_view id) {
  if (id.empty() || id.size() > kMaxDialogBytes) return false;
  for (const char c : id) {
    const bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!alnum && c != '.' && c != '_' && c != '~' && c != '-') return false;
  }
  return true;
}
// A user or device id: no control character, because ids are parts of keys that NUL separates.
inline bool valid_name(std::string_view name, size_t max_bytes) {
  if (name.empty() || name.size() > max_bytes) return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) < 0x20) return false;
  return true;
}

inline void put(wire::Writer& w, const Key& k) {
  w.str(k.user).str(k.device).u64(k.epoch).str(k.dialog).u64(k.cseq);
}
inline void get(wire::Reader& r, Key& k) {
  k.user = r.str();
  k.device = r.str();
  k.epoch = r.u64();
  k.dialog = r.str();
  k.cseq = r.u64();
}
inline void put(wire::Writer& w, const Position& p) {
  w.u64(p.id).u64(p.dseq).u64(p.useq).u64(p.cseq).u64(static_cast<uint64_t>(p.ts_ms));
}
inline void get(wire::Reader& r, Position& p) {
  p.id = r.u64();
  p.dseq = r.u64();
  p.useq = r.u64();
  p.cseq = r.u64();
  p.ts_ms = static_cast<int64_t>(r.u64());
}

}  // namespace lcg::chat
