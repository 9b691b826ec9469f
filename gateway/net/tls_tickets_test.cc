#include "gateway/net/tls_tickets.h"

#include <gtest/gtest.h>

#include "base/sim_lane.h"

namespace lcg::net {
namespace {

struct Tickets {
  void pass(Millis time) { world.run_for(time); }
  SimWorld world{1};
  TicketKeys keys{world.lane(0).clock()};
};

TEST(TicketKeys, KeyIsKeptForItsLife) {
  Tickets t;
  const auto first = t.keys.current();

  t.pass(kTicketKeyLife - Millis(1));

  EXPECT_EQ(t.keys.current()->name, first->name);
}

TEST(TicketKeys, KeyBeforeIsTakenAndRenewed) {
  Tickets t;
  const auto first = t.keys.current();
  bool renew = true;
  ASSERT_TRUE(t.keys.find(first->name.data(), renew).has_value());
  EXPECT_FALSE(renew);

  t.pass(kTicketKeyLife);

  const auto found = t.keys.find(first->name.data(), renew);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(renew);
  EXPECT_EQ(found->cipher, first->cipher);
  EXPECT_NE(t.keys.current()->name, first->name);
}

TEST(TicketKeys, OlderKeysAreForgotten) {
  Tickets t;
  const auto first = t.keys.current();
  t.pass(kTicketKeyLife);
  t.keys.current();
  t.pass(kTicketKeyLife);
  bool renew = false;

  EXPECT_FALSE(t.keys.find(first->name.data(), renew).has_value());
}

TEST(TicketKeys, AfterALongRestNoOldKeyIsLeft) {
  Tickets t;
  const auto first = t.keys.current();
  t.pass(2 * kTicketKeyLife);
  bool renew = false;

  EXPECT_FALSE(t.keys.find(first->name.data(), renew).has_value());
}

TEST(TicketKeys, UnknownNameIsNotFound) {
  Tickets t;
  const unsigned char name[16] = {1, 2, 3};
  bool renew = false;

  EXPECT_FALSE(t.keys.find(name, renew).has_value());
}

}  // namespace
}  // namespace lcg::net
