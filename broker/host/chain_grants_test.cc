// What lets a client in: a grant, which "no objection" is not, and a user of the plugin's own names.
#include "broker/host/testing_plugins.h"
#include "lcg/ext/users.h"

namespace lcg::host {
namespace {

using testing::answering;
using testing::Script;
using testing::Scripted;
using testing::SimProcess;

constexpr uint32_t kLetIn[] = {LCG_REQ_CONNECT, LCG_REQ_SUBSCRIBE, LCG_REQ_PUBLISH, LCG_REQ_REFRESH,
                               LCG_REQ_SUB_REFRESH};

// LCG_OK with nothing else, by a plugin of the ABI's `minor`.
Script having_no_objection(std::string data = "", uint16_t minor = LCG_ABI_MINOR) {
  Script script;
  script.abi_minor = minor;
  script.kinds = ~0u;
  script.on_request = [data](Scripted& me, const lcg_request& r) { me.reply(r.token, LCG_OK, data, 0); };
  return script;
}

TEST(ChainGrants, NoObjectionLetsNobodyIn) {
  for (const uint32_t kind : kLetIn) {
    SimProcess process;
    process.add("one", having_no_objection());
    process.boot();

    EXPECT_EQ(process.chain(kind)->status, LCG_DEFER) << kind;
  }
}

TEST(ChainGrants, NoObjectionLeavesTheWordToTheNext) {
  for (const uint32_t kind : kLetIn) {
    SimProcess process;
    Script refusing = answering(LCG_E_DENIED);
    refusing.kinds = ~0u;
    process.add("one", having_no_objection());
    process.add("two", refusing);
    process.boot();

    EXPECT_EQ(process.chain(kind)->status, LCG_E_DENIED) << kind;
  }
}

TEST(ChainGrants, WhatIsNoRequestToBeLetInIsAnsweredByLcgOk) {
  SimProcess process;
  process.add("one", having_no_objection("[]"));
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_RPC)->status, LCG_OK);
  EXPECT_EQ(process.chain(LCG_REQ_HTTP)->status, LCG_OK);
}

TEST(ChainGrants, APluginThatCannotSayGrantGrants) {
  for (const uint32_t kind : kLetIn) {
    SimProcess process;
    process.add("one", having_no_objection("", 1));
    process.boot();

    EXPECT_EQ(process.chain(kind)->status, LCG_OK) << kind;
  }
}

TEST(ChainGrants, APublicationGoesOnAsThePluginWithoutAnObjectionLeftIt) {
  for (const bool own_lane : {true, false}) {
    SimProcess process(2);
    std::string seen;
    Script last;
    last.on_request = [&](Scripted& me, const lcg_request& r) {
      seen = view(r.data);
      me.reply(r.token, LCG_DEFER, "not used");
    };
    process.add("one", having_no_objection("masked"), own_lane);
    process.add("two", last);
    process.boot();
    for (const unsigned lane : {0u, 1u}) {
      const auto answer = process.chain(LCG_REQ_PUBLISH, "c", "said", Millis(1000), lane);
      EXPECT_EQ(answer->status, LCG_DEFER);
      EXPECT_EQ(answer->data.view(), "masked");
      EXPECT_EQ(seen, "masked");
    }
  }
}

TEST(ChainGrants, AGrantKeepsWhatAnEarlierPluginPutInPlace) {
  SimProcess process;
  process.add("one", having_no_objection("masked"));
  process.add("two", answering(LCG_OK));
  process.boot();

  const auto answer = process.chain(LCG_REQ_PUBLISH, "c", "said");

  EXPECT_EQ(answer->status, LCG_OK);
  EXPECT_EQ(answer->data.view(), "masked");
  EXPECT_EQ(process.chain(LCG_REQ_PUBLISH, "c", "said")->data.view(),
            "masked");  // nothing is left of the first
}

TEST(ChainGrants, WhatASubscriptionWithoutAGrantSaysIsNotUsed) {
  SimProcess process;
  process.add("one", having_no_objection("{}"));
  process.boot();

  EXPECT_TRUE(process.chain(LCG_REQ_SUBSCRIBE)->data.empty());
}

// Two authorities: what each answers to a connect.
struct Answered {
  lcg_status status;
  uint32_t disconnect;
  std::string user;
};
Answered answered(const std::string& user, const std::string& own_prefix, const std::string& other_prefix,
                  bool own_lane = true) {
  SimProcess process(2);
  Script naming;
  naming.on_request = [user](Scripted& me, const lcg_request& r) {
    lcg_result result{};
    result.struct_size = sizeof result;
    result.user_id = c_str(user);
    result.flags = LCG_RESULT_GRANT;
    me.host->reply(me.host->ctx, r.token, &result);
  };
  process.add("one", naming, own_lane);
  process.add("two", answering(LCG_DEFER));
  process.specs[0].user_prefix = own_prefix;
  process.specs[1].user_prefix = other_prefix;
  process.boot();
  for (unsigned lane = 0; lane < 2; ++lane) {
    const auto answer = process.chain(LCG_REQ_CONNECT, "", "", Millis(1000), lane);
    if (lane == 1 || answer->status != LCG_OK) return {answer->status, answer->disconnect_code, answer->user};
  }
  return {};
}

TEST(ChainGrants, APluginCannotNameAnotherAuthoritysUser) {
  for (const bool own_lane : {true, false}) {
    for (const char* foreign : {"42", "two@42", "one", "one@", "#one@42"}) {
      const Answered answer = answered(foreign, "one@", "two@", own_lane);
      EXPECT_EQ(answer.status, LCG_E_DENIED) << foreign;
      EXPECT_EQ(answer.disconnect, disconnect_code::kPermissionDenied) << foreign;
      EXPECT_EQ(answer.user, "") << foreign;
    }
  }
}

TEST(ChainGrants, APluginWithoutAPrefixCannotUseAnothers) {
  EXPECT_EQ(answered("two@42", "", "two@").status, LCG_E_DENIED);
  EXPECT_EQ(answered("42", "", "two@").user, "42");
}

TEST(ChainGrants, APluginNamesItsOwnUsersAndAnonymousOnes) {
  EXPECT_EQ(answered("one@42", "one@", "two@").user, "one@42");
  EXPECT_EQ(answered("", "one@", "two@").status, LCG_OK);
}

TEST(ChainGrants, WhatDoesNotAuthenticateIsNotAskedWhoAClientIs) {
  SimProcess process;
  Script all = answering(LCG_OK);
  all.kinds |= 1u << LCG_REQ_REFRESH;
  process.add("one", all);
  process.specs[0].authenticates = false;
  process.boot();

  EXPECT_EQ(process.chain(LCG_REQ_CONNECT)->status, LCG_DEFER);
  EXPECT_EQ(process.chain(LCG_REQ_REFRESH)->status, LCG_DEFER);
  EXPECT_EQ(process.chain(LCG_REQ_SUBSCRIBE)->status, LCG_OK);
}

TEST(ChainGrants, APluginLearnsItsPrefix) {
  SimProcess process;
  Script asking;
  std::string told;
  asking.create = [&told](Scripted& me, std::string&) {
    const auto* users = static_cast<const lcg_users_v1*>(me.host->query(me.host->ctx, c_str(LCG_USERS_V1)));
    lcg_str prefix{};
    if (users != nullptr && users->prefix(me.host->ctx, &prefix) == LCG_OK) told = view(prefix);
    return LCG_OK;
  };
  process.add("one", asking);
  process.specs[0].user_prefix = "one@";
  process.boot();

  EXPECT_EQ(told, "one@");
}

}  // namespace
}  // namespace lcg::host
