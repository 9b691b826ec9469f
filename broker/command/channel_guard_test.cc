// "$private" and "#users" are guarded for every command of a client, whatever the namespace permits: all
// kinds of channels, askers and commands against each other. Source: client-protocol 1.12.
#include <array>
#include <string>
#include <tuple>

#include "broker/channel/access.h"
#include "broker/testing/channel_fixture.h"

namespace lcg::broker {
namespace {

enum class Who { kListed, kStranger, kAnonymous, kTokenHolder, kServer };
constexpr std::array kWho{Who::kListed, Who::kStranger, Who::kAnonymous, Who::kTokenHolder, Who::kServer};
constexpr std::array<const char*, 5> kWhoNames{"Listed", "Stranger", "Anonymous", "TokenHolder", "Server"};

struct Kind {
  const char* name;
  const char* channel;
  bool open, listed;  // to everybody; to the users after "#"
};
constexpr std::array kKinds{
    Kind{"Open", "c:a", true, false},
    Kind{"Private", "$c:a", false, false},
    Kind{"Personal", "c:#alice", false, true},
    Kind{"PersonalWithoutNamespace", "#alice", false, true},
    Kind{"Shared", "c:talk#bob,alice", false, true},
    Kind{"NobodysOwn", "c:a#", false, false},
    Kind{"PrivateAndPersonal", "$c:a#alice", false, false},
};

enum class Command { kPublish, kHistory, kPresence, kPresenceStats, kSubscribe, kRecover, kRefresh };
constexpr std::array kCommands{Command::kPublish,       Command::kHistory,   Command::kPresence,
                               Command::kPresenceStats, Command::kSubscribe, Command::kRecover,
                               Command::kRefresh};
constexpr std::array<const char*, 7> kCommandNames{"Publish",   "History", "Presence", "PresenceStats",
                                                   "Subscribe", "Recover", "Refresh"};

ChannelOptions all_permitted(std::string name) {
  ChannelOptions options;
  options.name = std::move(name);
  options.history_size = 10;
  options.history_ttl = Millis(60'000);
  options.presence = options.allow_recovery = options.allow_fossil = true;
  options.allow_user_limited_channels = true;
  for (Permission* permission :
       {&options.subscribe, &options.publish, &options.presence_read, &options.history_read})
    *permission = {true, true, true};
  return options;
}

class GuardRig {
 public:
  explicit GuardRig(bool user_limited = true) : rig_(config(user_limited)) {
    rig_.host.on_chain = [](host::ChainRequest, host::ChainFn done) {
      host::ChainResult yes;
      yes.status = LCG_OK;
      done(yes);
    };
  }
  LaneRig& lane() { return rig_; }

  PeerPtr come(Who who, const std::string& channel) {
    if (who == Who::kServer) return nullptr;
    const char* const user = who == Who::kListed ? "alice" : who == Who::kAnonymous ? "" : "mallory";
    PeerPtr peer = LaneRig::peer(user, "s");
    if (who == Who::kTokenHolder) {
      token_ = "t";
      SubscribeRequest request = subscription(channel, peer);
      EXPECT_TRUE(rig_.get(std::move(request)).ok());
    }
    return peer;
  }

  // The error of the command; 0: it was done.
  uint32_t run(Command command, const std::string& channel, const PeerPtr& peer) {
    switch (command) {
      case Command::kPublish:
        if (peer != nullptr) return rig_.get(PublishRequest{channel, peer, SharedBytes("{}")}).error.code;
        return publish_as_server(channel);
      case Command::kHistory:
        return rig_.get(HistoryRequest{channel, peer, false, false, {}, -1}).error.code;
      case Command::kPresence:
        return rig_.get(PresenceRequest{channel, peer, false}).error.code;
      case Command::kPresenceStats:
        return rig_.get(PresenceRequest{channel, peer, true}).error.code;
      case Command::kSubscribe:
        return subscribe(subscription(channel, peer));
      case Command::kRecover: {
        SubscribeRequest request = subscription(channel, peer);
        request.recover = request.recoverable = request.delta = true;
        return subscribe(std::move(request));
      }
      case Command::kRefresh:
        return refresh(channel, peer);
    }
    return 0;
  }

 private:
  static BrokerConfig config(bool user_limited) {
    BrokerConfig config;
    config.namespaces = {all_permitted("c")};
    config.without_namespace = all_permitted("");
    config.namespaces[0].allow_user_limited_channels = user_limited;
    config.without_namespace.allow_user_limited_channels = user_limited;
    return config;
  }
  SubscribeRequest subscription(const std::string& channel, PeerPtr peer) const {
    SubscribeRequest request;
    request.token = token_;
    request.channel = channel;
    request.peer = std::move(peer);
    return request;
  }
  uint32_t publish_as_server(const std::string& channel) {
    ServerPublish publish{channel, {}, false};
    publish.publication.data = SharedBytes("{}");
    return rig_.get(std::move(publish)).error.code;
  }
  // The server subscribes a session of somebody.
  uint32_t subscribe(SubscribeRequest request) {
    request.server_side = request.peer == nullptr;
    if (request.server_side) request.peer = LaneRig::peer("mallory", "s");
    return rig_.get(std::move(request)).error.code;
  }
  uint32_t refresh(const std::string& channel, const PeerPtr& peer) {
    SubRefreshRequest request{channel, peer == nullptr ? LaneRig::peer("mallory", "s") : peer, "t"};
    return rig_.get(std::move(request)).error.code;
  }

  LaneRig rig_;
  std::string token_;  // what the client has
};

bool admitted(const Kind& kind, Who who, Command command) {
  if (command == Command::kRefresh) return who == Who::kTokenHolder;  // what there is to extend
  return kind.open || who == Who::kTokenHolder || who == Who::kServer || (kind.listed && who == Who::kListed);
}

// A gateway asks for no refresh of what it does not have: nothing of the client's doing.
uint32_t refusal(Command command) {
  return command == Command::kRefresh ? error_code::kInternal : error_code::kPermissionDenied;
}

class GuardTest : public testing::TestWithParam<std::tuple<size_t, size_t, size_t>> {};

TEST_P(GuardTest, HoldsForEveryCommand) {
  const auto [kind, who, command] = GetParam();
  const bool expected = admitted(kKinds[kind], kWho[who], kCommands[command]);
  GuardRig rig;
  const PeerPtr peer = rig.come(kWho[who], kKinds[kind].channel);

  EXPECT_EQ(rig.run(kCommands[command], kKinds[kind].channel, peer),
            expected ? 0u : refusal(kCommands[command]));
}

std::string name_of_row(const testing::TestParamInfo<std::tuple<size_t, size_t, size_t>>& row) {
  const auto [kind, who, command] = row.param;
  return std::string(kKinds[kind].name) + kWhoNames[who] + kCommandNames[command];
}
INSTANTIATE_TEST_SUITE_P(Matrix, GuardTest,
                         testing::Combine(testing::Range(size_t{0}, kKinds.size()),
                                          testing::Range(size_t{0}, kWho.size()),
                                          testing::Range(size_t{0}, kCommands.size())),
                         name_of_row);

// With the option off a name belongs to somebody elsewhere in the system: being listed is not enough.
TEST(GuardWithoutTheOptionTest, ListedUsersAreLetInByTheServerAlone) {
  for (const Command command : kCommands) {
    GuardRig rig(false);
    const PeerPtr peer = rig.come(Who::kListed, "#alice");

    EXPECT_EQ(rig.run(command, "#alice", peer), refusal(command))
        << kCommandNames[static_cast<size_t>(command)];
  }
}

TEST(GuardAndPluginsTest, APluginsYesLetsAPublicationIn) {
  GuardRig rig;
  rig.lane().host.wanted = 1u << LCG_REQ_PUBLISH;

  EXPECT_EQ(rig.run(Command::kPublish, "#alice", rig.come(Who::kStranger, "#alice")), 0u);
}

TEST(GuardAndPluginsTest, ADeferredPublicationIsTheNamesToAdmit) {
  GuardRig rig;
  rig.lane().host.wanted = 1u << LCG_REQ_PUBLISH;
  rig.lane().host.on_chain = [](host::ChainRequest, host::ChainFn done) {
    host::ChainResult defers;
    defers.status = LCG_DEFER;
    done(defers);
  };

  EXPECT_EQ(rig.run(Command::kPublish, "#alice", rig.come(Who::kStranger, "#alice")),
            error_code::kPermissionDenied);
}

TEST(GuardInInsecureModeTest, OpensUsersChannelsAndNothingPrivate) {
  ChannelOptions options = all_permitted("c");
  options.insecure = true;
  const Peer mallory;

  EXPECT_TRUE(permits(options, options.publish, ChannelName("#alice"), mallory, false));
  EXPECT_FALSE(permits(options, options.publish, ChannelName("$a"), mallory, false));
}

}  // namespace
}  // namespace lcg::broker
