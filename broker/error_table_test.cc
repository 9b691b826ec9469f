#include "broker/error_table.h"

#include <gtest/gtest.h>

#include "broker/plugin_json.h"

namespace lcg::broker {
namespace {

struct StatusCase {
  int32_t status;
  uint32_t error_code;  // named by the plugin
  uint32_t code;
  bool temporary;
};
class StatusTest : public testing::TestWithParam<StatusCase> {};

TEST_P(StatusTest, Follows) {
  const StatusCase& c = GetParam();
  const Error error = error_of_status(c.status, c.error_code, "", error_code::kUnknownChannel);

  EXPECT_EQ(error.code, c.code);
  EXPECT_EQ(error.temporary, c.temporary);
}

INSTANTIATE_TEST_SUITE_P(
    Table, StatusTest,
    testing::Values(StatusCase{LCG_E_DENIED, 0, 103, false}, StatusCase{LCG_E_NOT_FOUND, 0, 102, false},
                    StatusCase{LCG_E_INVALID, 0, 107, false}, StatusCase{LCG_E_CONFLICT, 0, 107, false},
                    StatusCase{LCG_E_UNSUPPORTED, 0, 108, false}, StatusCase{LCG_E_BUSY, 0, 111, true},
                    StatusCase{LCG_E_TIMEOUT, 0, 100, true}, StatusCase{LCG_E_UNAVAILABLE, 0, 100, true},
                    StatusCase{LCG_E_CANCELLED, 0, 100, true}, StatusCase{LCG_E_FENCED, 0, 100, true},
                    StatusCase{LCG_E_INTERNAL, 0, 100, true}, StatusCase{-999, 0, 100, true},
                    StatusCase{LCG_E_DENIED, 109, 109, false}, StatusCase{LCG_E_BUSY, 450, 450, false}));

TEST(ErrorTable, NotFoundIsTheCallersMeaning) {
  EXPECT_EQ(error_of_status(LCG_E_NOT_FOUND, 0, "", error_code::kMethodNotFound).code,
            error_code::kMethodNotFound);
}

TEST(ErrorTable, InnerTroubleIsNotToldToClients) {
  EXPECT_EQ(error_of_status(LCG_E_INTERNAL, 0, "/var/lib/x is corrupt", 102).message,
            "internal server error");
  EXPECT_EQ(error_of_status(LCG_E_DENIED, 0, "you are muted", 102).message, "you are muted");
}

TEST(ErrorTable, DisconnectWinsOverError) {
  host::ChainResult result;
  result.status = LCG_E_DENIED;
  result.disconnect_code = 3500;

  const Outcome outcome = outcome_of_chain(result, 102);

  EXPECT_FALSE(outcome.error);
  EXPECT_EQ(outcome.disconnect.code, 3500u);
  EXPECT_EQ(outcome.disconnect.reason, "invalid token");
}

TEST(ErrorTable, DisconnectCodeOutsideTheProtocolIsForceDisconnect) {
  EXPECT_EQ(disconnect_of(1000, "").code, disconnect_code::kForceDisconnect);
  EXPECT_EQ(disconnect_of(5000, "").code, disconnect_code::kForceDisconnect);
  EXPECT_EQ(disconnect_of(4400, "").code, 4400u);
}

TEST(ErrorTable, ReasonIsCutBetweenCharacters) {
  const std::string reason = std::string(122, 'a') + "\xc3\xa9";

  EXPECT_EQ(disconnect_of(3500, reason).reason, std::string(122, 'a'));
}

TEST(ErrorTable, HttpStatus) {
  host::ChainResult result;
  EXPECT_EQ(http_status_of(result), 404u) << "all deferred";
  result.status = LCG_OK;
  EXPECT_EQ(http_status_of(result), 200u);
  result.error_code = 302;
  EXPECT_EQ(http_status_of(result), 302u);
  result.status = LCG_E_DENIED;
  result.error_code = 401;
  EXPECT_EQ(http_status_of(result), 401u);
  result.error_code = 0;
  EXPECT_EQ(http_status_of(result), 403u);
}

TEST(PluginJson, SharesWhatIsOneLineAlready) {
  const SharedBytes data("{\"a\":1}");

  EXPECT_EQ(one_json_line(data)->view().data(), data.view().data());
}

TEST(PluginJson, JoinsLinesAndRefusesWhatIsNoJson) {
  EXPECT_EQ(one_json_line(SharedBytes("[1,\n2]"))->view().find('\n'), std::string_view::npos);
  EXPECT_FALSE(one_json_line(SharedBytes("[1,")));
  EXPECT_TRUE(one_json_line(SharedBytes())->empty());
}

}  // namespace
}  // namespace lcg::broker
