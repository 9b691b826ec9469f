#include "gateway/fanout/recovery.h"

#include <gtest/gtest.h>

namespace lcg::gateway {
namespace {

PublicationPtr at(uint64_t offset, std::string epoch = "E") {
  auto pub = std::make_shared<Publication>();
  pub->offset = offset;
  pub->epoch = std::move(epoch);
  return pub;
}

struct Case {
  const char* what;
  Place place;
  Run run;
  Reach reach;
};

TEST(Recovery, Reach) {
  for (const Case& c : std::vector<Case>{
           {"the next one", {4, 0, true}, {5, 5, 0}, Reach::kAll},
           {"the next ones", {4, 0, true}, {5, 9, 0}, Reach::kAll},
           {"the last one again", {5, 0, true}, {5, 5, 0}, Reach::kNone},
           {"older ones", {9, 0, true}, {5, 7, 0}, Reach::kNone},
           {"the end of older ones", {9, 0, true}, {5, 9, 0}, Reach::kNone},
           {"some that are new", {6, 0, true}, {5, 9, 0}, Reach::kTail},
           {"only the last is new", {8, 0, true}, {5, 9, 0}, Reach::kTail},
           {"one is missing", {4, 0, true}, {6, 6, 0}, Reach::kLost},
           {"one is missing, untracked", {4, 0, false}, {6, 6, 0}, Reach::kAll},
           {"another epoch", {4, 0, true}, {5, 5, 1}, Reach::kLost},
           {"another epoch, untracked", {4, 0, false}, {1, 1, 1}, Reach::kAll},
           {"the first epoch is taken", {0, kAnyEpoch, true}, {1, 1, 3}, Reach::kAll},
           {"an unknown epoch does not excuse a hole", {0, kAnyEpoch, true}, {2, 2, 3}, Reach::kLost},
           {"no offsets", {4, 0, true}, {0, 0, kAnyEpoch}, Reach::kAll},
           {"untracked that knows where it is", {5, 0, false}, {5, 5, 0}, Reach::kNone},
           {"untracked from nowhere", {0, kAnyEpoch, false}, {7, 7, 0}, Reach::kAll},
       }) {
    EXPECT_EQ(reach(c.place, c.run), c.reach) << c.what;
  }
}

TEST(Recovery, RunGoesOnByOneInTheSameEpoch) {
  EXPECT_TRUE(continues(4, "E", *at(5)));
  EXPECT_FALSE(continues(4, "E", *at(6)));
  EXPECT_FALSE(continues(4, "E", *at(4)));
  EXPECT_FALSE(continues(4, "F", *at(5)));
  EXPECT_TRUE(continues(0, "", *at(0, "")));
  EXPECT_FALSE(continues(0, "", *at(1)));
  EXPECT_FALSE(continues(4, "E", *at(0, "")));
}

TEST(Recovery, PositionAfterAnAnswer) {
  SubscribeResponse answer;
  answer.position = {4, "E"};
  EXPECT_EQ(position_after(answer), (StreamPosition{4, "E"}));

  answer.recovered = true;
  answer.publications = {at(5), at(6)};
  EXPECT_EQ(position_after(answer), (StreamPosition{6, "E"}));
}

TEST(Recovery, AnswerWithAHole) {
  SubscribeResponse answer;
  answer.position = {4, "E"};
  answer.publications = {at(5), at(6)};
  EXPECT_TRUE(answer_is_dense(answer));

  answer.publications = {at(5), at(7)};
  EXPECT_FALSE(answer_is_dense(answer));

  answer.publications = {at(6)};
  EXPECT_FALSE(answer_is_dense(answer));
}

}  // namespace
}  // namespace lcg::gateway
