// What a plugin does to others: publications, disconnects, ends of subscriptions.

#include "broker/host/testing_plugins.h"
#include "lcg/ext/channels.h"
#include "lcg/ext/sessions.h"

namespace lcg::host {
namespace {

using testing::BareBroker;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

// Whom an answer goes to.
struct Asker {
  Scripted* me;
  lcg_token token;
};

TEST(Publish, GoesToTheSlotOfTheChannelAndReportsThePosition) {
  SimProcess process(4);
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    lcg_publication out{};
    out.struct_size = sizeof out;
    out.channel = r.name;
    out.data = c_bytes("{\"a\":1}");
    out.user_id = c_str("alice");
    auto done = [](void* user, const lcg_result* result) noexcept {
      const std::unique_ptr<Asker> asker(static_cast<Asker*>(user));
      asker->me->reply(asker->token, result->status, view(result->data));
    };
    EXPECT_EQ(me.host->publish(me.host->ctx, &out, done, new Asker{&me, r.token}), LCG_OK);
  };
  process.add("app", script);
  process.boot();

  const auto answer = process.chain(LCG_REQ_RPC, "news");

  EXPECT_EQ(answer->data.view(), "1 e1");
  const auto& published = process.brokers[slot_of_key("news", SimProcess::kSlots) % 4]->published;
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].publication.data.view(), "{\"a\":1}");
  EXPECT_EQ(published[0].publication.info.user, "alice");
  EXPECT_FALSE(published[0].positioned);
}

TEST(Publish, AProvidedChannelIsRoutedByItsIdAndKeepsItsPosition) {
  SimProcess process(4);
  Script script;
  script.provides = "channel:dialog";
  script.on_call = [](Scripted& me, lcg_token token, const lcg_call&) { me.reply(token); };
  script.on_request = [](Scripted& me, const lcg_request& r) {
    lcg_publication out{};
    out.struct_size = sizeof out;
    out.flags = LCG_PUB_POSITIONED;
    out.channel = c_str("dialog:42");
    out.offset = 17;
    out.epoch = c_str("e");
    EXPECT_EQ(me.host->publish(me.host->ctx, &out, nullptr, nullptr), LCG_OK);
    me.reply(r.token);
  };
  process.add("dialog", script);
  process.boot();

  process.chain(LCG_REQ_RPC);
  process.world.run_until_idle();

  const auto& published = process.brokers[slot_of_key("42", SimProcess::kSlots) % 4]->published;
  ASSERT_EQ(published.size(), 1u);
  EXPECT_EQ(published[0].publication.offset, 17u);
  EXPECT_EQ(published[0].publication.epoch, "e");
  EXPECT_TRUE(published[0].positioned);
}

lcg_status disconnect(Scripted& me, std::string_view user, std::string_view auth, uint32_t code) {
  lcg_disconnect out{};
  out.struct_size = sizeof out;
  out.code = code;
  out.user_id = c_str(user);
  out.auth_id = c_str(auth);
  return me.host->disconnect(me.host->ctx, &out);
}

TEST(DisconnectSessions, OfAUserGoesToItsSlotAndOfALoginToEveryLane) {
  SimProcess process(4);
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    const bool by_user = view(r.name) == "user";
    me.reply(r.token, disconnect(me, by_user ? "alice" : "", by_user ? "" : "login", 3503));
  };
  process.add("app", script);
  process.boot();
  auto counts = [&] {
    std::vector<size_t> out;
    for (const auto& broker : process.brokers) out.push_back(broker->disconnected.size());
    return out;
  };

  EXPECT_EQ(process.chain(LCG_REQ_RPC, "user")->status, LCG_OK);
  process.world.run_until_idle();
  std::vector<size_t> expected(4);
  expected[slot_of_key("alice", SimProcess::kSlots) % 4] = 1;
  EXPECT_EQ(counts(), expected);

  EXPECT_EQ(process.chain(LCG_REQ_RPC, "login")->status, LCG_OK);
  process.world.run_until_idle();
  for (size_t& n : expected) ++n;
  EXPECT_EQ(counts(), expected);
}

TEST(DisconnectSessions, NeedsSomeoneAndAValidCode) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    EXPECT_EQ(disconnect(me, "", "", 3503), LCG_E_INVALID);
    EXPECT_EQ(disconnect(me, "alice", "", 2999), LCG_E_INVALID);
    EXPECT_EQ(disconnect(me, "alice", "", 5000), LCG_E_INVALID);
    me.reply(r.token);
  };
  process.add("app", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
}

// Answers a request with what the disconnect of a login came to.
Script ending() {
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    const auto* sessions =
        static_cast<const lcg_sessions_v1*>(me.host->query(me.host->ctx, c_str(LCG_SESSIONS_V1)));
    ASSERT_NE(sessions, nullptr);
    lcg_disconnect out{};
    out.struct_size = sizeof out;
    out.code = 3500;
    out.auth_id = c_str("login");
    EXPECT_EQ(sessions->disconnect(me.host->ctx, &out, nullptr, nullptr), LCG_E_INVALID);
    const auto done = [](void* user, const lcg_result* result) noexcept {
      const std::unique_ptr<Asker> asker(static_cast<Asker*>(user));
      asker->me->reply(asker->token, result->status);
    };
    EXPECT_EQ(sessions->disconnect(me.host->ctx, &out, done, new Asker{&me, r.token}), LCG_OK);
  };
  return script;
}

TEST(EndSessions, IsToldWhenEveryLaneHasEndedThem) {
  SimProcess process(4);
  process.add("app", ending());
  process.boot();
  process.brokers[3]->holds_disconnects = true;
  bool all_ended = false;
  process.world.lane(3).post([&] {
    process.world.lane(3).start_timer(Millis(100), [&] {
      all_ended = true;
      process.brokers[3]->held.at(0)(DisconnectSessionsResponse{});
    });
  });

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);

  EXPECT_TRUE(all_ended);
  for (const auto& broker : process.brokers) EXPECT_EQ(broker->disconnected.size(), 1u);
}

TEST(EndSessions, ALaneThatDoesNotKnowMakesItUnavailable) {
  SimProcess process(4);
  process.add("app", ending());
  process.boot();
  process.brokers[2]->on_disconnect.error = make_error(error_code::kInternal);

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_E_UNAVAILABLE);
}

const lcg_channels_v1* channels_of(const Scripted& me) {
  return static_cast<const lcg_channels_v1*>(me.host->query(me.host->ctx, c_str(LCG_CHANNELS_V1)));
}

TEST(Unsubscribe, GoesToTheChannelBetweenThePublicationsBeforeAndAfterIt) {
  SimProcess process(4);
  Script script;
  script.on_call = [](Scripted& me, lcg_token token, const lcg_call&) { me.reply(token); };
  script.provides = "channel:dialog";
  script.on_request = [](Scripted& me, const lcg_request& r) {
    lcg_publication out{};
    out.struct_size = sizeof out;
    out.channel = c_str("dialog:42");
    EXPECT_EQ(me.host->publish(me.host->ctx, &out, nullptr, nullptr), LCG_OK);
    EXPECT_EQ(channels_of(me)->unsubscribe(me.host->ctx, out.channel, c_str("bob"), 2000, c_str("removed")),
              LCG_OK);
    EXPECT_EQ(me.host->publish(me.host->ctx, &out, nullptr, nullptr), LCG_OK);
    me.reply(r.token);
  };
  process.add("dialog", script);
  process.boot();

  process.chain(LCG_REQ_RPC);
  process.world.run_until_idle();

  const BareBroker& owner = *process.brokers[slot_of_key("42", SimProcess::kSlots) % 4];
  ASSERT_EQ(owner.unsubscribed.size(), 1u);
  EXPECT_EQ(owner.unsubscribed[0].channel, "dialog:42");
  EXPECT_EQ(owner.unsubscribed[0].user, "bob");
  EXPECT_EQ(owner.unsubscribed[0].session, "");
  EXPECT_EQ(owner.unsubscribed[0].code, 2000u);
  EXPECT_EQ(owner.unsubscribed[0].reason, "removed");
  EXPECT_EQ(owner.published_before_unsubscribe, 1u);
}

TEST(Unsubscribe, OfOneSession) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    me.reply(r.token,
             channels_of(me)->unsubscribe_session(me.host->ctx, c_str("news"), c_str("s1"), 2500, {}));
  };
  process.add("app", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
  process.world.run_until_idle();

  ASSERT_EQ(process.brokers[0]->unsubscribed.size(), 1u);
  EXPECT_EQ(process.brokers[0]->unsubscribed[0].session, "s1");
  EXPECT_EQ(process.brokers[0]->unsubscribed[0].user, "");
}

TEST(Unsubscribe, NeedsAChannelSomeoneAndAValidCode) {
  SimProcess process;
  Script script;
  script.on_request = [](Scripted& me, const lcg_request& r) {
    const auto unsubscribe = [&me](std::string_view channel, std::string_view user, uint32_t code) {
      return channels_of(me)->unsubscribe(me.host->ctx, c_str(channel), c_str(user), code, {});
    };
    EXPECT_EQ(unsubscribe("", "bob", 2000), LCG_E_INVALID);
    EXPECT_EQ(unsubscribe("news", "", 2000), LCG_E_INVALID);
    EXPECT_EQ(unsubscribe("news", "bob", 1999), LCG_E_INVALID);
    EXPECT_EQ(unsubscribe("news", "bob", 3000), LCG_E_INVALID);
    me.reply(r.token);
  };
  process.add("app", script);
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
}

}  // namespace
}  // namespace lcg::host
