#include "broker/channel/stream.h"

#include <gmock/gmock.h>

#include "base/sim_lane.h"

namespace lcg::broker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr MonoTime kStart{1'000'000'000};

class StreamTest : public testing::Test {
 protected:
  void append(Stream& stream, int count, MonoTime now = kStart) {
    for (int i = 0; i < count; ++i) stream.append(now, std::make_shared<Publication>());
  }
  static std::vector<uint64_t> offsets(const std::vector<PublicationPtr>& publications) {
    std::vector<uint64_t> out;
    for (const PublicationPtr& publication : publications) out.push_back(publication->offset);
    return out;
  }
  std::vector<uint64_t> read(Stream& stream, std::optional<uint64_t> since, bool reverse = false,
                             uint32_t limit = 300) {
    return offsets(stream.read(kStart, since ? &*since : nullptr, reverse, limit));
  }
  Stream stream_{4, Millis(1000), {0, "theepoch"}};
};

TEST_F(StreamTest, AnAnswerEndsAtItsBytes) {
  for (int i = 0; i < 4; ++i) {
    auto publication = std::make_shared<Publication>();
    publication->data = SharedBytes(std::string(kMaxAnswerBytes / 2, 'x'));
    stream_.append(kStart, publication);
  }

  EXPECT_THAT(read(stream_, {}), ElementsAre(1u, 2u));
  EXPECT_THAT(read(stream_, {}, true), ElementsAre(4u, 3u));
  EXPECT_FALSE(stream_.recover(kStart, {1, ""}, kMaxAnswerBytes).recovered);
  EXPECT_TRUE(stream_.recover(kStart, {2, ""}, kMaxAnswerBytes).recovered);
  EXPECT_TRUE(stream_.recover(kStart, {1, ""}, 2 * kMaxAnswerBytes).recovered)
      << "more than history gives at once";
}

TEST_F(StreamTest, OffsetsAreDenseFromOne) {
  append(stream_, 3);

  EXPECT_THAT(read(stream_, {}), ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(stream_.top().offset, 3u);
}

// Any 64 bits may be asked for: what is at the top or above it has nothing after it, and never everything.
TEST_F(StreamTest, PositionsAtTheEdgesOfTheirType) {
  append(stream_, 6);  // 3 to 6 are kept
  struct Row {
    uint64_t since;
    size_t after, before;
    bool recovers;
  };
  constexpr uint64_t kOne = 1;
  const Row rows[] = {{0, 4, 0, false},
                      {1, 4, 0, false},
                      {2, 4, 0, true},
                      {5, 1, 2, true},
                      {6, 0, 3, true},
                      {7, 0, 4, false},
                      {(kOne << 31) - 1, 0, 4, false},
                      {kOne << 31, 0, 4, false},
                      {kOne << 32, 0, 4, false},
                      {kOne << 53, 0, 4, false},
                      {(kOne << 63) - 1, 0, 4, false},
                      {kOne << 63, 0, 4, false},
                      {UINT64_MAX - 1, 0, 4, false},
                      {UINT64_MAX, 0, 4, false}};
  for (const Row& row : rows) {
    for (const uint32_t limit : {uint32_t{300}, UINT32_MAX}) {
      EXPECT_THAT(read(stream_, row.since, false, limit), SizeIs(row.after)) << row.since;
      EXPECT_THAT(read(stream_, row.since, true, limit), SizeIs(row.before)) << row.since;
    }
    EXPECT_EQ(stream_.recover(kStart, {row.since, ""}, kMaxAnswerBytes).recovered, row.recovers) << row.since;
  }
}

TEST_F(StreamTest, TheEpochStays) {
  append(stream_, 9);

  EXPECT_EQ(stream_.top().epoch, "theepoch");
}

TEST_F(StreamTest, GoesOnFromWhereItWas) {
  Stream again(4, Millis(1000), {7, "theepoch"});

  append(again, 1);

  EXPECT_EQ(again.top(), (StreamPosition{8, "theepoch"}));
  EXPECT_FALSE(again.recover(kStart, {6, "theepoch"}, kMaxAnswerBytes).recovered);
  EXPECT_TRUE(again.recover(kStart, {7, "theepoch"}, kMaxAnswerBytes).recovered);
}

TEST_F(StreamTest, PublicationCarriesItsPosition) {
  auto publication = std::make_shared<Publication>();
  const StreamPosition position = stream_.append(kStart, publication);

  EXPECT_EQ(publication->offset, position.offset);
  EXPECT_EQ(publication->epoch, position.epoch);
}

TEST_F(StreamTest, TheOldestMakesRoom) {
  append(stream_, 10);

  EXPECT_THAT(read(stream_, {}), ElementsAre(7u, 8u, 9u, 10u));
}

TEST_F(StreamTest, RingGrowsWithoutLosingAny) {
  Stream big(1000, Millis(1000), {0, "theepoch"});
  append(big, 700);

  EXPECT_THAT(read(big, {}, false, 1000), SizeIs(700));
  EXPECT_THAT(read(big, 698, false, 1000), ElementsAre(699u, 700u));
}

TEST_F(StreamTest, SinceIsExclusive) {
  append(stream_, 4);

  EXPECT_THAT(read(stream_, 2), ElementsAre(3u, 4u));
  EXPECT_THAT(read(stream_, 4), IsEmpty());
  EXPECT_THAT(read(stream_, 99), IsEmpty());
}

TEST_F(StreamTest, LimitCutsFromTheFront) {
  append(stream_, 4);

  EXPECT_THAT(read(stream_, {}, false, 2), ElementsAre(1u, 2u));
  EXPECT_THAT(read(stream_, 1, false, 2), ElementsAre(2u, 3u));
}

TEST_F(StreamTest, ReverseIsNewestFirst) {
  append(stream_, 4);

  EXPECT_THAT(read(stream_, {}, true, 2), ElementsAre(4u, 3u));
  EXPECT_THAT(read(stream_, 3, true), ElementsAre(2u, 1u));
  EXPECT_THAT(read(stream_, 1, true), IsEmpty());
  EXPECT_THAT(read(stream_, 99, true, 1), ElementsAre(4u));
}

TEST_F(StreamTest, ContentsExpireAndThePositionStays) {
  append(stream_, 3);
  const StreamPosition top = stream_.top();

  stream_.expire(kStart + Millis(1000));

  EXPECT_EQ(stream_.kept(), 0u);
  EXPECT_EQ(stream_.top(), top);
}

TEST_F(StreamTest, ContentsLiveUntilTheLastPublicationIsOld) {
  append(stream_, 1);
  append(stream_, 1, kStart + Millis(900));

  EXPECT_EQ(stream_.expire(kStart + Millis(1500)), kStart + Millis(1900));
  EXPECT_EQ(stream_.kept(), 2u);
}

TEST_F(StreamTest, AppendAfterExpiryGoesOn) {
  append(stream_, 3);
  append(stream_, 1, kStart + Millis(5000));

  EXPECT_EQ(stream_.kept(), 1u);
  EXPECT_EQ(stream_.top().offset, 4u);
}

// The table of client-protocol 2.
struct RecoverCase {
  const char* name;
  int published;  // into a ring of 1,000
  uint64_t since;
  const char* epoch;  // "=": the stream's own
  bool expired, recovered;
  size_t publications;
};

class RecoverTest : public testing::TestWithParam<RecoverCase> {};

TEST_P(RecoverTest, Follows) {
  const RecoverCase& c = GetParam();
  SimRandom random(1);
  Stream stream(1000, Millis(1000), {0, "theepoch"});
  for (int i = 0; i < c.published; ++i) stream.append(kStart, std::make_shared<Publication>());
  const std::string epoch = std::string_view(c.epoch) == "=" ? stream.top().epoch : c.epoch;

  const Stream::Recovery got =
      stream.recover(c.expired ? kStart + Millis(2000) : kStart, {c.since, epoch}, kMaxAnswerBytes);

  EXPECT_EQ(got.recovered, c.recovered);
  EXPECT_EQ(got.publications.size(), c.publications);
  if (!got.publications.empty()) {
    EXPECT_EQ(got.publications.front()->offset, c.since + 1);
    EXPECT_EQ(got.publications.back()->offset, stream.top().offset);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, RecoverTest,
    testing::Values(RecoverCase{"NothingMissed", 5, 5, "=", false, true, 0},
                    RecoverCase{"SomeMissed", 5, 2, "=", false, true, 3},
                    RecoverCase{"AllMissed", 5, 0, "=", false, true, 5},
                    RecoverCase{"EmptyStream", 0, 0, "=", false, true, 0},
                    RecoverCase{"OtherEpoch", 5, 2, "otherone", false, false, 0},
                    RecoverCase{"OtherEpochSameOffset", 5, 5, "otherone", false, false, 0},
                    RecoverCase{"NoEpochMatchesAny", 5, 2, "", false, true, 3},
                    RecoverCase{"AheadOfTheTop", 5, 9, "=", false, false, 0},
                    RecoverCase{"ExactlyTheLimit", 300, 0, "=", false, true, 300},
                    RecoverCase{"OverTheLimit", 301, 0, "=", false, false, 0},
                    RecoverCase{"OverwrittenInTheRing", 1005, 2, "=", false, false, 0},
                    RecoverCase{"ContentsExpired", 5, 2, "=", true, false, 0},
                    RecoverCase{"ContentsExpiredNothingMissed", 5, 5, "=", true, true, 0}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(HistoryLimit, NegativeMeansAsManyAsAllowed) {
  EXPECT_EQ(history_limit(-1), kMaxHistoryPublications);
  EXPECT_EQ(history_limit(301), kMaxHistoryPublications);
  EXPECT_EQ(history_limit(7), 7u);
}

TEST_F(StreamTest, TheLatestIsRecoveredAlone) {
  append(stream_, 3);

  const Stream::Recovery recovery = stream_.recover_latest(kStart, {1, stream_.top().epoch});

  EXPECT_TRUE(recovery.recovered);
  EXPECT_THAT(offsets(recovery.publications), ElementsAre(3u));
}

TEST_F(StreamTest, TheLatestIsRecoveredWhateverTheEpoch) {
  append(stream_, 3);

  EXPECT_THAT(stream_.recover_latest(kStart, {9, "otherone"}).publications, SizeIs(1));
  EXPECT_THAT(stream_.recover_latest(kStart, {}).publications, SizeIs(1));
}

TEST_F(StreamTest, WhoHasTheLatestIsNotSentIt) {
  append(stream_, 3);

  const Stream::Recovery recovery = stream_.recover_latest(kStart, stream_.top());

  EXPECT_TRUE(recovery.recovered);
  EXPECT_THAT(recovery.publications, IsEmpty());
}

TEST_F(StreamTest, WithoutALatestOnlyWhoIsAtTheTopIsRecovered) {
  append(stream_, 3);
  const MonoTime later = kStart + Millis(1001);

  EXPECT_TRUE(stream_.recover_latest(later, stream_.top()).recovered);
  EXPECT_FALSE(stream_.recover_latest(later, {2, stream_.top().epoch}).recovered);
  EXPECT_FALSE(stream_.recover_latest(later, {3, "otherone"}).recovered);
}

TEST_F(StreamTest, ClearedContentsLeaveThePosition) {
  append(stream_, 3);
  const StreamPosition top = stream_.top();

  stream_.clear();

  EXPECT_THAT(read(stream_, {}), IsEmpty());
  EXPECT_EQ(stream_.top(), top);
  EXPECT_EQ(stream_.latest(kStart), nullptr);
  append(stream_, 1);
  EXPECT_THAT(read(stream_, {}), ElementsAre(4u));
}

}  // namespace
}  // namespace lcg::broker
