// SPDX-License-Identifier: Apache-2.0
// How a plugin is tested: load it into the fake host, ask, look at the answer.
#include <gtest/gtest.h>

#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(echo);
LCG_DECLARE_PLUGIN(echo_c);

namespace {

using namespace lcg::testing;

TEST(Echo, AnswersWithItsData) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_echo(), {{"prefix", "> "}});
  EXPECT_EQ(host.ask(rpc("echo", "hello")).data, "> hello");
}

TEST(Echo, DefersWhatIsNotItsOwn) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_echo());
  EXPECT_EQ(host.ask("echo", rpc("other", "")).status, LCG_DEFER);
}

TEST(EchoC, AnswersWithItsData) {
  FakeHost host;
  host.load(lcg_plugin_descriptor_echo_c());
  EXPECT_EQ(host.ask(rpc("echo", "hello")).data, "hello");
  EXPECT_EQ(host.ask("echo_c", rpc("other", "")).status, LCG_DEFER);
}

}  // namespace
