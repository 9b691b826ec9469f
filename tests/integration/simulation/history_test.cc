// The checker of the simulation catches what it is there for: a sound history passes, and each mutation of it
// is named by its invariant.
#include "tests/integration/simulation/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>

namespace lcg::sim {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

Entry message(uint64_t seq, std::string user, uint64_t cseq, uint64_t uprev) {
  Entry e;
  e.seq = seq;
  e.kind = "msg";
  e.id = std::to_string(100 + seq);
  e.user = std::move(user);
  e.device = "pc";
  e.epoch = 1;
  e.cseq = e.useq = cseq;
  e.uprev = e.cprev = uprev;
  e.ts = 1000 + seq;
  e.body = "\"" + e.user + std::to_string(cseq) + "\"";
  return e;
}

// ann 1, bob 1, ann 2, on two devices; all acknowledged and confirmed.
History sound() {
  Entry created;
  created.seq = 1;
  created.kind = "meta";
  created.user = "ann";
  created.ts = 1000;
  const std::vector<Entry> log = {created, message(2, "ann", 1, 0), message(3, "bob", 1, 0),
                                  message(4, "ann", 2, 2)};
  History h;
  for (const Entry& e : log) {
    if (e.id.empty()) continue;
    const Sent sent{e.user, e.device, e.epoch, e.cseq, e.body};
    h.sent.push_back(sent);
    h.acks.push_back({sent, e.id, e.seq, e.useq, e.ts});
    h.records.push_back({e.id, "confirmed", e.seq});
  }
  h.devices = {{"ann/pc", log, {1, 2, 3, 4}}, {"bob/pc", log, {1, 3, 2, 4}}};
  return h;
}

struct Mutation {
  const char* name;
  std::function<void(History&)> apply;
  const char* finding;
};

void on_all(History& h, const std::function<void(Device&)>& change) {
  for (Device& device : h.devices) change(device);
}

const Mutation kMutations[] = {
    {"AnAcknowledgedMessageIsLost",
     [](History& h) {
       on_all(h, [](Device& d) {
         d.entries.pop_back();
         std::erase(d.shown, 4u);
       });
       h.records.pop_back();
     },
     "I3: acknowledged at 4 and lost"},
    {"AnAnswerNamesAnotherPosition", [](History& h) { h.acks[1].seq = 2; },
     "I3: acknowledged as something else"},
    {"ARetryIsAnsweredOtherwise",
     [](History& h) {
       h.acks.push_back(h.acks[0]);
       h.acks.back().id = "999";
     },
     "I3: acknowledged at 2 and lost"},
    {"AMessageIsThereTwice",
     [](History& h) {
       on_all(h, [](Device& d) {
         Entry again = d.entries[3];
         again.seq = 5;
         again.id = "777";
         again.useq = 3;
         again.uprev = again.cprev = 4;
         d.entries.push_back(again);
         d.shown.push_back(5);
       });
     },
     "I5: its key is there twice"},
    {"APublicationIsThereTwice",
     [](History& h) { on_all(h, [](Device& d) { d.entries[3].body = d.entries[1].body; }); }, "I5: body"},
    {"AnAcknowledgedPublicationIsLost",
     [](History& h) {
       h.published.push_back({"cyd", "\"lost\"", true});
     },
     "I3: acknowledged and lost"},
    {"SendersOrderIsInverted",
     [](History& h) { on_all(h, [](Device& d) { std::swap(d.entries[1].cseq, d.entries[3].cseq); }); },
     "I1: cseq 2 follows 0"},
    {"AChainIsBroken", [](History& h) { on_all(h, [](Device& d) { d.entries[3].uprev = 0; }); },
     "I4: uprev names another entry"},
    {"APositionIsLeftOut", [](History& h) { on_all(h, [](Device& d) { d.entries[3].seq = 5; }); },
     "positions are not dense"},
    {"OneDeviceMissesTheLastEntry", [](History& h) { h.devices[1].entries.pop_back(); },
     "bob/pc: I7: never got entry 4"},
    {"OneDeviceMissesAnEntryInTheMiddle",
     [](History& h) { h.devices[1].entries.erase(h.devices[1].entries.begin() + 1); }, "bob/pc: I7: entry 2"},
    {"DevicesHaveDifferentEntries", [](History& h) { h.devices[1].entries[2].body = "\"x\""; },
     "bob/pc: I7: entry 3 is another one"},
    {"ADeviceShowsASendersMessagesOutOfOrder",
     [](History& h) {
       h.devices[1].shown = {1, 4, 3, 2};
     },
     "bob/pc: I1/I4: showed ann's message 2 out of order"},
    {"ADeviceNeverShowsAnEntry", [](History& h) { h.devices[1].shown.pop_back(); },
     "bob/pc: I7: never showed entry 4"},
    {"AVisibleMessageStaysTrying", [](History& h) { h.records[0].status = "trying"; }, "I2: still trying"},
    {"AVisibleMessageIsCancelled", [](History& h) { h.records[0].status = "cancelled"; },
     "I2: cancelled and in the log"},
    {"AVisibleMessageHasNoRecord", [](History& h) { h.records.pop_back(); }, "entry 4: I2: not confirmed"},
    {"AConfirmedMessageIsNotVisible",
     [](History& h) {
       h.records.push_back({"888", "confirmed", 9});
     },
     "I2: confirmed and not in the log"},
    {"AMessageWaitsForTheResolverForEver", [](History& h) { h.unsettled = 1; }, "still to be settled"},
    {"AMessageWasSentAndIsNotThere",
     [](History& h) {
       h.sent.push_back({"cyd", "pc", 1, 1, "\"c\""});
     },
     "cyd/pc cseq 1: sent until it was answered"},
    {"NobodySentAMessage", [](History& h) { h.sent.pop_back(); }, "the log has messages nobody sent"},
    {"AClientWasToldNonsense", [](History& h) { h.protocol.push_back("refused"); }, "refused"},
};

class Mutated : public testing::TestWithParam<Mutation> {};

TEST(History, ASoundOneHasNoViolations) { EXPECT_THAT(violations(sound()), IsEmpty()); }

TEST_P(Mutated, IsCaught) {
  History history = sound();

  GetParam().apply(history);

  EXPECT_THAT(violations(history), Contains(HasSubstr(GetParam().finding)));
}

INSTANTIATE_TEST_SUITE_P(History, Mutated, testing::ValuesIn(kMutations),
                         [](const auto& mutated) { return std::string(mutated.param.name); });

}  // namespace
}  // namespace lcg::sim
