// SPDX-License-Identifier: Apache-2.0
// ABI 1.1 through the wrapper: events, sub_refresh, and the fields of requests and answers.
#include <gtest/gtest.h>

#include <stdexcept>

#include "lcg/plugin.hpp"
#include "testing/fake_host.h"

namespace lcg::testing {
namespace {

class Journal {
 public:
  explicit Journal(Host host) : host_(host) {}
  static constexpr uint32_t event_mask() {
    return 1u << LCG_EVENT_CONNECT | 1u << LCG_EVENT_DISCONNECT | 1u << LCG_EVENT_OCCUPIED;
  }
  Task<Reply> on_event(ClientEvent event) {
    host_.info("event " + std::to_string(event.kind) + " " + event.peer.user_id + event.channel + " " +
               event.peer.client_name + " " + std::to_string(event.code) + event.reason + " slot " +
               std::to_string(event.slot) + " term " + std::to_string(event.term) +
               (event.token != 0 ? " waits" : ""));
    if (event.peer.user_id == "throw") throw std::runtime_error("no");
    if (event.peer.user_id == "denied") co_return Reply::error(LCG_E_UNAVAILABLE, "full");
    co_await host_.sleep(10);
    co_return Reply();
  }
  Task<Reply> on_sub_refresh(Request request) {
    Reply reply;
    reply.data = request.name + " " + request.route + " " + request.transport + " " + request.meta;
    reply.meta = "{\"m\":2}";
    reply.options = "{}";
    reply.flags = LCG_RESULT_EXPIRED;
    co_return reply;
  }
  const void* query(std::string_view name) { return name == "other/1" ? this : nullptr; }

 private:
  Host host_;
};

class Everything {
 public:
  explicit Everything(Host host) : host_(host) {}
  Task<Reply> on_event(ClientEvent event) {
    host_.info("kind " + std::to_string(event.kind));
    co_return Reply();
  }

 private:
  Host host_;
};

constexpr lcg_descriptor kJournal = describe<Journal>("journal", "1", "Apache-2.0", "");
constexpr lcg_descriptor kEverything = describe<Everything>("everything", "1", "Apache-2.0", "");

class Events : public ::testing::Test {
 protected:
  Events() { host_.load(&kJournal); }
  bool logged(const std::string& text) const {
    for (const LogRecord& line : host_.logs())
      if (line.text.find(text) != std::string::npos) return true;
    return false;
  }
  static ClientEvent of(uint32_t kind, Peer who) {
    ClientEvent out;
    out.kind = kind;
    out.peer = std::move(who);
    return out;
  }
  FakeHost host_;
};

TEST_F(Events, AConnectIsAwaited) {
  ClientEvent event = of(LCG_EVENT_CONNECT, peer("ann"));
  event.peer.client_name = "js";

  EXPECT_TRUE(host_.tell("journal", event).ok());
  EXPECT_TRUE(logged("event 1 ann js 0 slot " + std::to_string(host_.slot_of("ann")) + " term 1 waits"));
}

TEST_F(Events, AnErrorAndAnExceptionRefuseIt) {
  EXPECT_EQ(host_.tell("journal", of(LCG_EVENT_CONNECT, peer("denied"))).status, LCG_E_UNAVAILABLE);
  EXPECT_EQ(host_.tell("journal", of(LCG_EVENT_CONNECT, peer("throw"))).status, LCG_E_INTERNAL);
}

TEST_F(Events, NobodyWaitsForADisconnect) {
  ClientEvent event = of(LCG_EVENT_DISCONNECT, peer("ann"));
  event.code = 3001;
  event.reason = "shutdown";

  EXPECT_TRUE(host_.tell("journal", event).ok());
  EXPECT_TRUE(logged("event 2 ann  3001shutdown slot"));
  EXPECT_FALSE(logged("waits"));
  EXPECT_EQ(host_.stale_replies(), 0u) << "token 0 is not answered";
}

TEST_F(Events, AChannelEventHasNoPeer) {
  ClientEvent event;
  event.kind = LCG_EVENT_OCCUPIED;
  event.channel = "chat";

  EXPECT_TRUE(host_.tell("journal", event).ok());
  EXPECT_TRUE(logged("event 5 chat"));
}

TEST_F(Events, AKindOutsideTheMaskIsNotTold) {
  EXPECT_TRUE(host_.tell("journal", of(LCG_EVENT_SUBSCRIBE, peer("ann"))).ok());
  EXPECT_FALSE(logged("event 3"));
}

TEST_F(Events, WithoutAMaskEveryKindIsTold) {
  host_.load(&kEverything);
  for (uint32_t kind = LCG_EVENT_CONNECT; kind <= LCG_EVENT_VACATED; ++kind) {
    host_.tell("everything", of(kind, peer("ann")));
    EXPECT_TRUE(logged("kind " + std::to_string(kind)));
  }
}

TEST_F(Events, ThePluginsOwnInterfacesStay) {
  lcg_instance* instance = nullptr;
  char why[64] = {};
  ASSERT_EQ(kJournal.ops->create(host_.host().core()->host(), &instance, why, sizeof why), LCG_OK);
  EXPECT_NE(kJournal.ops->query(instance, str("other/1")), nullptr);
  EXPECT_NE(kJournal.ops->query(instance, str(LCG_EVENTS_V1)), nullptr);
  EXPECT_EQ(kJournal.ops->query(instance, str("none/1")), nullptr);
  kJournal.ops->destroy(instance);
}

TEST_F(Events, SubRefreshCarriesTheFieldsOfBothSides) {
  Request request = sub_refresh("chat", "", peer("ann"));
  request.route = "backend";
  request.transport = "sse";
  request.meta = "{\"m\":1}";

  const Reply reply = host_.ask("journal", request);

  EXPECT_EQ(reply.data, "chat backend sse {\"m\":1}");
  EXPECT_EQ(reply.meta, "{\"m\":2}");
  EXPECT_EQ(reply.options, "{}");
  EXPECT_EQ(reply.flags, uint64_t{LCG_RESULT_EXPIRED});
}

}  // namespace
}  // namespace lcg::testing
