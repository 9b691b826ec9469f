#include "base/client_address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cstring>
#include <vector>

namespace lcg {
namespace {

struct Form {
  const char* written;
  const char* text;    // "": no address
  const char* key_of;  // an address with the same key
};
const std::vector<Form> kForms{
    {"192.0.2.1", "192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:4711", "192.0.2.1:4711", "192.0.2.1"},
    {"192.0.2.1:0", "192.0.2.1", "192.0.2.1"},
    {"192.0.2.1:00080", "192.0.2.1:80", "192.0.2.1"},
    {"192.0.2.1:_hidden", "192.0.2.1", "192.0.2.1"},
    {"::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"},
    {"::FFFF:C000:0201", "192.0.2.1", "192.0.2.1"},
    {"[::ffff:192.0.2.1]:80", "192.0.2.1:80", "192.0.2.1"},
    {"0:0:0:0:0:ffff:c000:201", "192.0.2.1", "192.0.2.1"},
    {"2001:db8::1", "[2001:db8::1]", "2001:db8::9"},
    {"2001:DB8::1", "[2001:db8::1]", "2001:db8::9"},
    {"2001:0db8:0000:0000:0000:0000:0000:0001", "[2001:db8::1]", "2001:db8::9"},
    {"2001:db8:0:0::1", "[2001:db8::1]", "2001:db8::9"},
    {"[2001:db8::1]", "[2001:db8::1]", "2001:db8::9"},
    {"[2001:db8::1]:443", "[2001:db8::1]:443", "2001:db8::9"},
    {"[2001:db8::1]:_p", "[2001:db8::1]", "2001:db8::9"},
    {"2001:db8::ffff:2:3:4", "[2001:db8::ffff:2:3:4]", "2001:db8::9"},
    {"fe80::1%eth0", "[fe80::1]", "fe80::2"},
    {"[fe80::1%25eth0]:80", "[fe80::1]:80", "fe80::2"},
    {"::1", "[::1]", "::2"},
    {"::192.0.2.1", "[::192.0.2.1]", "::2"},  // not the IPv4 address
    // Nobody:
    {"", "", ""},
    {"unknown", "", ""},
    {"_hidden", "", ""},
    {"localhost", "", ""},
    {"\"192.0.2.1\"", "", ""},
    {" 192.0.2.1", "", ""},
    {"192.0.2.1 ", "", ""},
    {"192.0.2", "", ""},
    {"192.0.2.1.5", "", ""},
    {"192.0.2.256", "", ""},
    {"192.0.02.1", "", ""},  // octal elsewhere
    {"0xc0.0.2.1", "", ""},
    {"0xc0000201", "", ""},
    {"3221225985", "", ""},
    {"[192.0.2.1]", "", ""},
    {"[192.0.2.1]:80", "", ""},
    {"192.0.2.1:", "", ""},
    {"192.0.2.1:65536", "", ""},
    {"192.0.2.1:-1", "", ""},
    {"192.0.2.1:8 0", "", ""},
    {"192.0.2.1:_", "", ""},
    {"192.0.2.1:_a b", "", ""},
    {"192.0.2.1%eth0", "", ""},
    {"192.0.2.1/24", "", ""},
    {"[2001:db8::1", "", ""},
    {"2001:db8::1]", "", ""},
    {"[2001:db8::1]80", "", ""},
    {"[2001:db8::1]:", "", ""},
    {"[]", "", ""},
    {"[]:80", "", ""},
    {"2001:db8::1::2", "", ""},
    {"2001:db8::12345", "", ""},
    {"2001:db8::g", "", ""},
    {"fe80::1%", "", ""},
    {"fe80::1%a b", "", ""},
    {"::ffff:0xc0.0.2.1", "", ""},
    {":::", "", ""},
    {":", "", ""},
};

TEST(ClientAddress, EveryForm) {
  for (const Form& form : kForms) {
    const auto address = ClientAddress::parse(form.written);
    EXPECT_EQ(address.value_or(ClientAddress()).text(), form.text) << form.written;
    EXPECT_EQ(address.has_value(), *form.text != '\0') << form.written;
  }
}

TEST(ClientAddress, OneKeyForEveryFormOfOneHost) {
  for (const Form& form : kForms) {
    if (*form.key_of == '\0') continue;
    EXPECT_EQ(ClientAddress::parse(form.written)->key(), ClientAddress::parse_ip(form.key_of)->key())
        << form.written;
  }
}

TEST(ClientAddress, ItsTextIsReadAgainAsTheSame) {
  for (const Form& form : kForms) {
    if (const auto address = ClientAddress::parse(form.written)) {
      EXPECT_EQ(ClientAddress::parse(address->text()), address) << form.written;
    }
  }
}

TEST(ClientAddress, HostsAndNetworksDiffer) {
  const auto key = [](const char* text) { return ClientAddress::parse_ip(text)->key(); };

  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
  EXPECT_NE(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
}

// What nobody can come from must not look like what somebody comes from.
TEST(ClientAddress, NoKeyIsTakenForAnother) {
  const auto key = [](const char* text) { return ClientAddress::parse_ip(text)->key(); };

  EXPECT_NE(key("0:ffff:c000:201::"), key("192.0.2.1"));
  EXPECT_NE(key("ffff:0:c000:201::"), key("192.0.2.1"));
  EXPECT_NE(key("ffff:ffff:ffff:ffff::"), ClientAddress::kNoKey);
  EXPECT_NE(key("255.255.255.255"), ClientAddress::kNoKey);
  EXPECT_NE(key("::1"), ClientAddress().key());
}

TEST(ClientAddress, NoNulByteEndsIt) {
  EXPECT_FALSE(ClientAddress::parse(std::string_view("192.0.2.1\0", 10)).has_value());
}

TEST(ClientAddress, BareAddressesHaveNothingAround) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]", "fe80::1%eth0"})
    EXPECT_FALSE(ClientAddress::parse_ip(text).has_value()) << text;
}

TEST(ClientAddress, LoopbackIsKnown) {
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"})
    EXPECT_TRUE(ClientAddress::parse_ip(text)->is_loopback()) << text;
  for (const char* text : {"128.0.0.1", "::2", "10.0.0.1", "::127.0.0.1"})
    EXPECT_FALSE(ClientAddress::parse_ip(text)->is_loopback()) << text;
  EXPECT_FALSE(ClientAddress().is_loopback());
}

TEST(ClientAddress, OfASocket) {
  sockaddr_storage storage{};
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(4711);
  v4.sin_addr.s_addr = htonl(0xC0000201);
  std::memcpy(&storage, &v4, sizeof v4);
  EXPECT_EQ(ClientAddress::of_socket(storage), ClientAddress::parse("192.0.2.1:4711"));

  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(80);
  v6.sin6_addr = in6addr_loopback;
  std::memcpy(&storage, &v6, sizeof v6);
  EXPECT_EQ(ClientAddress::of_socket(storage), ClientAddress::parse("[::1]:80"));

  storage.ss_family = AF_UNIX;
  EXPECT_FALSE(ClientAddress::of_socket(storage).known());
}

}  // namespace
}  // namespace lcg
