// SPDX-License-Identifier: Apache-2.0
// How a filter is tested: what it says of a publication and of a message, and that it grants nothing.
#include <gtest/gtest.h>

#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(word_filter);

namespace {

using namespace lcg::testing;
using lcg::Reply;

const Config kRefuses = {{"words.#", "1"}, {"words.0", "darn"}};
const Config kMasks = {{"words.#", "1"}, {"words.0", "darn"}, {"mask", "true"}};

TEST(WordFilter, RefusesAMessageWithItsOwnCode) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_word_filter(), kRefuses);
  const Reply verdict = host.commit(commit("dialog:team", R"({"text":"darn it"})", peer("ann")));
  EXPECT_EQ(verdict.status, LCG_E_DENIED);
  EXPECT_EQ(verdict.error_code, 1600u);
}

TEST(WordFilter, JudgesAnEditAsItJudgesAMessage) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_word_filter(), kRefuses);
  EXPECT_EQ(host.commit(commit("dialog:team", R"("darn")", peer("ann"), LCG_COMMIT_EDIT)).status,
            LCG_E_DENIED);
}

TEST(WordFilter, MasksWhatIsKept) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_word_filter(), kMasks);
  EXPECT_EQ(host.commit(commit("dialog:team", R"({"text":"darn it"})", peer("ann"))).data,
            R"({"text":"**** it"})");
  EXPECT_EQ(host.commit(commit("dialog:team", R"({"text":"fine"})", peer("ann"))).data, "");
}

TEST(WordFilter, HasNoObjectionToAPublicationAndGrantsNone) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_word_filter(), kMasks);
  // LCG_DEFER: the namespace's own options decide.
  EXPECT_EQ(host.ask(publish("news", R"("fine")", peer("ann"))).status, LCG_DEFER);
  const Reply masked = host.ask(publish("news", R"("darn")", peer("ann")));
  EXPECT_EQ(masked.status, LCG_DEFER);
  EXPECT_EQ(masked.data, R"("****")");
}

TEST(WordFilter, RefusesAPublication) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_word_filter(), kRefuses);
  EXPECT_EQ(host.ask(publish("news", R"("darn")", peer("ann"))).error_code, 1600u);
}

}  // namespace
