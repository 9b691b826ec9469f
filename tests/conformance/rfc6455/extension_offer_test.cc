// RFC 7692 7.1 and RFC 6455 9.1: what is made of an offer of permessage-deflate. The server never takes a context over,
// and says so; its own window is 12 bits, or fewer where the client wants that, which it says only to a client that asked for a limit.
#include <ostream>

#include "gateway/ws/test_frames.h"
#include "tests/conformance/rfc6455/harness.h"
#include "tests/conformance/rfc6455/zlib_codec.h"

namespace lcg::conformance {
namespace {

const std::string kAgreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
const std::string kAgreedWindow = kAgreed + "; server_max_window_bits=12";
const std::string kDeclined;
const std::string kMalformed = "400";

struct Offer {
  std::string name;
  std::string header;  // Sec-WebSocket-Extensions
  std::string answer;
};
void PrintTo(const Offer& offer, std::ostream* out) { *out << offer.header; }
std::string offer_name(const testing::TestParamInfo<Offer>& info) { return info.param.name; }

// The value of the extensions header of an answer, "400" when it is refused so.
std::string answer_of(const std::string& head) {
  if (head.starts_with("HTTP/1.1 400 ")) return kMalformed;
  const std::string name = "\r\nSec-WebSocket-Extensions: ";
  const size_t at = head.find(name);
  if (at == std::string::npos) return head.starts_with("HTTP/1.1 101 ") ? "" : head;
  return head.substr(at + name.size(), head.find("\r\n", at + 2) - at - name.size());
}

std::string ask(Client& client, const std::string& headers) {
  client.send(
      "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
      headers + "\r\n");
  return answer_of(client.read_head());
}

class Offers : public testing::TestWithParam<Offer> {};
TEST_P(Offers, Answer) {
  const Offer& offer = GetParam();
  Client client(Profile::kDeflate);

  ASSERT_EQ(ask(client, "Sec-WebSocket-Extensions: " + offer.header + "\r\n"), offer.answer);

  if (offer.answer == kMalformed) return;
  // Then a compressed message is what was agreed, or an error.
  client.send(ws::raw_client_frame(0xC1, deflated("Hello")) + ws::client_close(1000));
  const std::vector<Frame> agreed = {text("Hello"), closed(1000)}, declined = {closed(1002)};
  EXPECT_EQ(client.read_frames(), offer.answer.empty() ? declined : agreed);
}

std::vector<Offer> accepted() {
  const std::string d = "permessage-deflate";
  std::vector<Offer> offers = {
      {"bare", d, kAgreed},
      {"client_window_without_value", d + "; client_max_window_bits", kAgreed},
      {"server_takeover", d + "; server_no_context_takeover", kAgreed},
      {"client_takeover", d + "; client_no_context_takeover", kAgreed},
      {"both_takeovers", d + "; server_no_context_takeover; client_no_context_takeover", kAgreed},
      {"both_takeovers_the_other_way", d + "; client_no_context_takeover; server_no_context_takeover",
       kAgreed},
      {"everything",
       d + "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=15; "
           "client_max_window_bits=10",
       kAgreedWindow},
      {"quoted_client_window", d + "; client_max_window_bits=\"10\"", kAgreed},
      {"quoted_server_window", d + "; server_max_window_bits=\"15\"", kAgreedWindow},
      {"quoted_with_an_escape", d + "; server_max_window_bits=\"1\\5\"", kAgreedWindow},
      {"without_spaces", d + ";client_max_window_bits=10;server_no_context_takeover", kAgreed},
      {"with_many_spaces", " " + d + " \t;  client_max_window_bits  =  10 ", kAgreed},
      {"empty_elements_in_front", ", ," + d, kAgreed},
      {"empty_element_behind", d + ",", kAgreed},
  };
  for (int bits = 8; bits <= 15; ++bits) {
    offers.push_back({"client_window_" + std::to_string(bits),
                      d + "; client_max_window_bits=" + std::to_string(bits), kAgreed});
  }
  for (int bits = 12; bits <= 15; ++bits) {
    offers.push_back({"server_window_" + std::to_string(bits),
                      d + "; server_max_window_bits=" + std::to_string(bits), kAgreedWindow});
  }
  return offers;
}
INSTANTIATE_TEST_SUITE_P(Accepted, Offers, testing::ValuesIn(accepted()), offer_name);

std::vector<Offer> declined() {
  const std::string d = "permessage-deflate; ";
  std::vector<Offer> offers = {
      {"unknown_extension", "x-unknown", kDeclined},
      {"older_extension", "x-webkit-deflate-frame", kDeclined},
      {"other_compression", "permessage-bzip2", kDeclined},
      {"unknown_parameter", d + "x_unknown", kDeclined},
      {"unknown_parameter_with_value", d + "x_unknown=1", kDeclined},
      {"unknown_beside_known", d + "client_max_window_bits; x_unknown", kDeclined},
      {"server_window_without_value", d + "server_max_window_bits", kDeclined},
      {"empty_list", ",", kDeclined},
  };
  int count = 0;
  for (const char* bits : {"0", "1", "7", "16", "17", "100", "08", "012", "0x0C", "-12", "12.0", "abc"}) {
    const std::string number = std::to_string(count++);
    offers.push_back({"server_window_no_number_" + number, d + "server_max_window_bits=" + bits, kDeclined});
    if (std::string(bits) == "012") continue;
    offers.push_back({"client_window_no_number_" + number, d + "client_max_window_bits=" + bits, kDeclined});
  }
  // More than our frames, which all clients share, would keep.
  for (int bits = 9; bits <= 11; ++bits) {
    const std::string window = "server_max_window_bits=" + std::to_string(bits);
    offers.push_back({"server_window_" + std::to_string(bits), d + window, kAgreed + "; " + window});
  }
  for (const char* parameter : {"server_no_context_takeover", "client_no_context_takeover"}) {
    for (const char* value : {"=1", "=true", "=\"x\""}) {
      offers.push_back({std::string(parameter) + "_with_value_" + std::to_string(count++),
                        d + parameter + value, kDeclined});
    }
  }
  for (const char* parameter :
       {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=15",
        "client_max_window_bits=15", "client_max_window_bits"}) {
    offers.push_back({"repeated_" + std::to_string(count++), d + parameter + "; " + parameter, kDeclined});
  }
  return offers;
}
INSTANTIATE_TEST_SUITE_P(Declined, Offers, testing::ValuesIn(declined()), offer_name);

std::vector<Offer> several() {
  const std::string d = "permessage-deflate";
  return {
      {"the_second_when_the_first_cannot_be", d + "; server_max_window_bits=8, " + d, kAgreed},
      {"the_second_when_the_first_is_unknown", "x-unknown; a=b, " + d + "; client_max_window_bits", kAgreed},
      {"the_second_when_the_first_is_invalid", d + "; x_unknown=1, " + d + "; server_max_window_bits=13",
       kAgreedWindow},
      {"the_first_when_both_can_be", d + "; server_max_window_bits=15, " + d, kAgreedWindow},
      {"the_third", d + "; x, " + d + "; y, " + d, kAgreed},
      {"none", d + "; x, " + d + "; y, x-unknown", kDeclined},
  };
}
INSTANTIATE_TEST_SUITE_P(Several, Offers, testing::ValuesIn(several()), offer_name);

std::vector<Offer> malformed() {
  const std::string d = "permessage-deflate";
  return {
      {"semicolon_behind", d + ";", kMalformed},
      {"semicolon_alone", ";", kMalformed},
      {"no_parameter_name", d + "; =1", kMalformed},
      {"no_parameter_value", d + "; client_max_window_bits=", kMalformed},
      {"two_words", d + " client_max_window_bits", kMalformed},
      {"quote_not_closed", d + "; client_max_window_bits=\"10", kMalformed},
      {"quoted_no_token", d + "; client_max_window_bits=\"1 0\"", kMalformed},
      {"empty_quotes", d + "; client_max_window_bits=\"\"", kMalformed},
      {"no_token", "@", kMalformed},
      {"behind_a_good_one", d + ", @", kMalformed},
  };
}
INSTANTIATE_TEST_SUITE_P(Malformed, Offers, testing::ValuesIn(malformed()), offer_name);

TEST(OfferLines, AreOneList) {
  Client client(Profile::kDeflate);

  EXPECT_EQ(ask(client,
                "Sec-WebSocket-Extensions: permessage-deflate; x_unknown\r\n"
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=14\r\n"),
            kAgreedWindow);
}

TEST(OfferLines, NoneIsDeclined) {
  Client client(Profile::kDeflate);

  EXPECT_EQ(ask(client, ""), kDeclined);
}

TEST(OfferLines, ServerWithoutTheExtensionDeclinesAll) {
  Client client(Profile::kPlain);

  EXPECT_EQ(ask(client, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
            kDeclined);
}

}  // namespace
}  // namespace lcg::conformance
