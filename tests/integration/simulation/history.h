// History: what the clients of one run sent, were answered and saw, and what the server holds at its end; and
// the checker of the chat's invariants over it.
//
// Plain data, so that a test can write one that is wrong and see it caught. All dialogs of a run are one
// dialog.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace lcg::sim {

// One entry of the dialog's log as a client knows it; members and meta entries have no id.
struct Entry {
  uint64_t seq = 0;
  std::string kind, id, user, device;
  uint64_t epoch = 0, cseq = 0, useq = 0, uprev = 0, cprev = 0, ts = 0;
  std::string body;
  friend bool operator==(const Entry&, const Entry&) = default;
};

// A numbered message: retried under its number until it was answered.
struct Sent {
  std::string user, device;
  uint64_t epoch = 0, cseq = 0;
  std::string body;
};

// An answer to one of its copies; every copy's answer is kept.
struct Ack {
  Sent message;
  std::string id;
  uint64_t seq = 0, useq = 0, ts = 0;
};

// A publish without a number, never repeated.
struct Published {
  std::string user, body;
  bool acknowledged = false;
};

// What one device has at the end.
struct Device {
  std::string name;
  std::vector<Entry> entries;   // by seq
  std::vector<uint64_t> shown;  // seqs, in the order they came up
};

// What the message plugin says of a message it has stored.
struct Record {
  std::string id, status;
  uint64_t seq = 0;  // of its entry in the dialog's log; 0: none
};

struct History {
  std::vector<Sent> sent;
  std::vector<Ack> acks;
  std::vector<Published> published;
  std::vector<Device> devices;
  std::vector<Record> records;
  size_t unsettled = 0;               // messages on the server's list of those still trying
  std::vector<std::string> protocol;  // answers that no client should ever get
};

// A line for each broken invariant (I1 to I5 and I7 of the chat's semantics), none: all hold. I2 and I7 hold
// only some time after the last fault, so the history has to end later than that.
std::vector<std::string> violations(const History& history);

}  // namespace lcg::sim
