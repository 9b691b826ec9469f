// What a publication costs when it uses no option: its object, and nothing else.
#include "broker/testing/channel_fixture.h"
#include "gateway/fanout/test_allocations.h"

namespace lcg::broker {
namespace {

class PublishCostTest : public ChannelFixture {
 protected:
  // Allocations of 100 publications to a channel whose history is full.
  size_t allocations_of_100(LaneRig& lane) {
    LaneContext context{lane.world.lane(0), lane.bus, lane.host, lane.config, lane.namespaces, lane.slots, 0};
    ChannelCommands commands(context);
    std::vector<PublishRequest> requests;
    for (int i = 0; i < 200; ++i) requests.push_back({"c:a", alice_, SharedBytes(std::string_view("{}"))});
    size_t counted = 0;
    lane.world.on(lane.world.lane(0), [&] {
      for (size_t i = 0; i < requests.size(); ++i) {
        if (i == 100) counted = gateway::allocations();
        commands.publish(std::move(requests[i]),
                         [](const PublishResponse& answer) { ASSERT_TRUE(answer.ok()); });
      }
      counted = gateway::allocations() - counted;
    });
    return counted;
  }
};

TEST_F(PublishCostTest, OneAllocationInAHistory) { EXPECT_EQ(allocations_of_100(start()), 100u); }

TEST_F(PublishCostTest, NoneWhereNobodyListensAndNothingIsKept) {
  ChannelOptions options = open_options();
  options.history_size = 0;

  EXPECT_EQ(allocations_of_100(start(options)), 0u);
}

}  // namespace
}  // namespace lcg::broker
