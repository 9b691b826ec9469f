// SPDX-License-Identifier: Apache-2.0
// ChatRig: the message and dialog plugins in a fake broker, clients to use them, and the invariants of
// chat-semantics 3.2 as one checker over what is stored.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lcg/json.hpp"
#include "lcg/services/channel_provider.hpp"
#include "lcg/services/chat.hpp"
#include "plugins/dialog/entry.h"
#include "testing/fake_host.h"

namespace lcg::dialog::testing {

using lcg::testing::FakeHost;
using lcg::testing::peer;
using lcg::testing::rpc;

// What a client was told about one of its messages.
struct Ack {
  chat::Key key;
  chat::Position position;
};

// Top-level members of a reply, by name.
std::string field(const Reply& reply, std::string_view name);
uint64_t number(const Reply& reply, std::string_view name);
// The elements of a JSON array of objects.
std::vector<std::string> items(std::string_view array);

class ChatRig {
 public:
  explicit ChatRig(lcg::testing::Options options = {}, lcg::testing::Config dialog_config = {},
                   lcg::testing::Config message_config = {}, uint32_t instances = 2);

  FakeHost& host() { return host_; }

  Reply ask(const Peer& who, std::string method, std::string json);
  lcg::testing::Pending start(const Peer& who, std::string method, std::string json);
  // A group of these users; the first is the owner.
  void group(const std::string& dialog, const std::vector<std::string>& users);
  // message.send with a number. A successful answer is remembered for check().
  Reply send(const Peer& who, const std::string& dialog, uint64_t cseq, std::string body = "\"hi\"");
  lcg::testing::Pending start_send(const Peer& who, const std::string& dialog, uint64_t cseq,
                                   std::string body = "\"hi\"");
  void remember(const Peer& who, const std::string& dialog, const Reply& reply);
  // As the broker asks the channel's provider.
  Outcome<channel::StreamPage> subscribe(const Peer& who, const std::string& dialog);
  Outcome<channel::StreamPage> recover(const Peer& who, const std::string& dialog, uint64_t since,
                                       uint32_t limit = 300);
  Outcome<channel::StreamPage> history(const Peer& who, const std::string& dialog,
                                       channel::HistoryRequest request);
  Reply publish(const Peer& who, const std::string& dialog, std::string data);

  std::vector<Entry> log(const std::string& dialog);
  // The whole log as this member pulls it, as JSON.
  std::vector<std::string> pull(const Peer& who, const std::string& dialog);
  // Published on "dialog:<id>", or on "#<user>".
  std::vector<Publication> published(const std::string& channel) const;

  // I1 to I5 over everything stored, I3 and I5 against what clients were told. Empty: all hold. Messages that
  // are still trying are violations: let T_try and the resolver pass first.
  std::string violations();
  // Time for the resolver, and for telling members.
  void settle() { host_.advance(30'000); }

  static channel::Peer wire_peer(const Peer& who);

 private:
  FakeHost host_;
  std::vector<Ack> acks_;
};

// All invariants hold.
#define EXPECT_SOUND(rig) EXPECT_EQ((rig).violations(), "")
#define ASSERT_SOUND(rig) ASSERT_EQ((rig).violations(), "")

}  // namespace lcg::dialog::testing
