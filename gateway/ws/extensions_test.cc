#include "gateway/ws/extensions.h"

#include <gtest/gtest.h>

namespace lcg::ws {
namespace {

constexpr const char* kAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

std::string answer(std::string_view offers) {
  const ExtensionAnswer got = negotiate_extensions(offers, true);
  EXPECT_EQ(got.deflate != 0, !got.header.empty());
  return got.malformed ? "malformed" : got.header;
}

TEST(Extensions, NoOfferNoAnswer) { EXPECT_EQ(answer(""), ""); }

TEST(Extensions, BothSidesGoWithoutContext) {
  EXPECT_EQ(answer("permessage-deflate"), kAnswer);
  EXPECT_EQ(answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover"), kAnswer);
}

TEST(Extensions, WhatBrowsersOfferIsServed) {
  EXPECT_EQ(answer("permessage-deflate; client_max_window_bits"), kAnswer);
}

TEST(Extensions, WindowOfTheServerIsTold) {
  const std::string with_window = std::string(kAnswer) + "; server_max_window_bits=12";

  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"), with_window);
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=15"), with_window);
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=\"13\""), with_window);
}

TEST(Extensions, SmallerWindowThanOursIsServed) {
  for (const int bits : {9, 10, 11}) {
    const std::string window = "; server_max_window_bits=" + std::to_string(bits);
    const ExtensionAnswer got = negotiate_extensions("permessage-deflate" + window, true);

    EXPECT_EQ(got.header, kAnswer + window);
    EXPECT_EQ(got.deflate, bits);
  }
}

TEST(Extensions, WindowThatZlibDoesNotHaveIsDeclined) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8"), "");
}

TEST(Extensions, EveryWindowOfTheClientIsServed) {
  for (int bits = 8; bits <= 15; ++bits) {
    EXPECT_EQ(answer("permessage-deflate; client_max_window_bits=" + std::to_string(bits)), kAnswer) << bits;
  }
}

TEST(Extensions, InvalidParametersDecline) {
  for (const char* parameters :
       {"server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=012", "server_max_window_bits=1x", "server_max_window_bits=-12",
        "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=08",
        "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown", "unknown=1",
        "server_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; client_no_context_takeover",
        "client_max_window_bits; client_max_window_bits=10",
        "server_max_window_bits=12; server_max_window_bits=12", "Server_No_Context_Takeover"}) {
    EXPECT_EQ(answer(std::string("permessage-deflate; ") + parameters), "") << parameters;
  }
}

TEST(Extensions, FirstOfferThatCanBeServedWins) {
  EXPECT_EQ(answer("permessage-deflate; server_max_window_bits=8, permessage-deflate"), kAnswer);
  EXPECT_EQ(answer("x-other; a=1; b=\"c\", permessage-deflate"), kAnswer);
  EXPECT_EQ(answer("permessage-bzip2"), "");
}

TEST(Extensions, EmptyElementsOfTheListAreSkipped) { EXPECT_EQ(answer(" , ,permessage-deflate ,"), kAnswer); }

TEST(Extensions, WhatIsNoListIsMalformed) {
  for (const char* offers :
       {"permessage-deflate;", "permessage-deflate; =1",
        "permessage-deflate; a=", "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b",
        "permessage-deflate; a=\"b c\"", "permessage-deflate x-other", ";", "=", "a b",
        "permessage-deflate; a=b=c", "permessage deflate", "\"permessage-deflate\"", "(x)"}) {
    EXPECT_EQ(answer(offers), "malformed") << offers;
  }
}

TEST(Extensions, SwitchedOffNothingIsAccepted) {
  EXPECT_FALSE(negotiate_extensions("permessage-deflate", false).deflate);
  EXPECT_TRUE(negotiate_extensions("permessage-deflate;", false).malformed);
}

TEST(Extensions, FloodOfOffersIsOneAnswer) {
  std::string offers;
  for (int i = 0; i < 1000; ++i) offers += "permessage-deflate; a, ";

  EXPECT_EQ(answer(offers + "permessage-deflate"), kAnswer);
}

}  // namespace
}  // namespace lcg::ws
