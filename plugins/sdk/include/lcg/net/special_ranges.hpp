// SPDX-License-Identifier: Apache-2.0
// special_ranges.hpp: every range of IP addresses that is not simply the Internet, and whether a server may be
// expected there. The rows are those of the IANA IPv4 and IPv6 Special-Purpose Address Registries, followed by
// what is not in them: multicast, deprecated forms, and the addresses where clouds hand out credentials.
//
// Of two rows that contain an address, the longer prefix counts; what an operator configures comes before all of them
// (address_policy.hpp).
#pragma once
#include <cstdint>
#include <string_view>

namespace lcg::net {

enum class Reach : uint8_t {
  kGlobal,   // a server on the Internet may have it
  kOwn,      // the operator's own machines: loopback and private networks
  kNowhere,  // no server of anybody's is meant: never connected to, unless listed
};

struct SpecialRange {
  std::string_view network;
  Reach reach;
  std::string_view what;
};

// An IPv6 form that carries an IPv4 address is kGlobal or kOwn here: the address inside is judged as well.
inline constexpr SpecialRange kSpecialRanges[] = {
    // IANA IPv4 Special-Purpose Address Registry
    {"0.0.0.0/8", Reach::kNowhere, "this network (RFC 791); connects to loopback on Linux"},
    {"0.0.0.0/32", Reach::kNowhere, "this host on this network (RFC 1122)"},
    {"10.0.0.0/8", Reach::kOwn, "private use (RFC 1918)"},
    {"100.64.0.0/10", Reach::kOwn, "shared address space (RFC 6598)"},
    {"127.0.0.0/8", Reach::kOwn, "loopback (RFC 1122)"},
    {"169.254.0.0/16", Reach::kNowhere, "link-local (RFC 3927); metadata of most clouds"},
    {"172.16.0.0/12", Reach::kOwn, "private use (RFC 1918)"},
    {"192.0.0.0/24", Reach::kNowhere, "IETF protocol assignments (RFC 6890); metadata of Oracle Cloud"},
    {"192.0.0.0/29", Reach::kNowhere, "IPv4 service continuity (RFC 7335)"},
    {"192.0.0.8/32", Reach::kNowhere, "IPv4 dummy address (RFC 7600)"},
    {"192.0.0.9/32", Reach::kNowhere, "port control protocol anycast (RFC 7723)"},
    {"192.0.0.10/32", Reach::kNowhere, "TURN anycast (RFC 8155)"},
    {"192.0.0.170/32", Reach::kNowhere, "NAT64/DNS64 discovery (RFC 8880)"},
    {"192.0.0.171/32", Reach::kNowhere, "NAT64/DNS64 discovery (RFC 8880)"},
    {"192.0.2.0/24", Reach::kNowhere, "documentation (RFC 5737)"},
    {"192.31.196.0/24", Reach::kNowhere, "AS112 sink (RFC 7535)"},
    {"192.52.193.0/24", Reach::kNowhere, "AMT relays (RFC 7450)"},
    {"192.88.99.0/24", Reach::kNowhere, "6to4 relay anycast, deprecated (RFC 7526)"},
    {"192.88.99.2/32", Reach::kNowhere, "6a44 relay anycast (RFC 6751)"},
    {"192.168.0.0/16", Reach::kOwn, "private use (RFC 1918)"},
    {"192.175.48.0/24", Reach::kNowhere, "AS112 sink (RFC 7534)"},
    {"198.18.0.0/15", Reach::kNowhere, "benchmarking (RFC 2544)"},
    {"198.51.100.0/24", Reach::kNowhere, "documentation (RFC 5737)"},
    {"203.0.113.0/24", Reach::kNowhere, "documentation (RFC 5737)"},
    {"240.0.0.0/4", Reach::kNowhere, "reserved (RFC 1112)"},
    {"255.255.255.255/32", Reach::kNowhere, "limited broadcast (RFC 919)"},
    // IANA IPv6 Special-Purpose Address Registry
    {"::1/128", Reach::kOwn, "loopback (RFC 4291)"},
    {"::/128", Reach::kNowhere, "unspecified (RFC 4291); connects to loopback on Linux"},
    // ::ffff:0:0/96, the mapped addresses, is no row: such an address is the IPv4 address.
    {"64:ff9b::/96", Reach::kGlobal, "NAT64 (RFC 6052)"},
    {"64:ff9b:1::/48", Reach::kOwn, "NAT64 of a local network (RFC 8215)"},
    {"100::/64", Reach::kNowhere, "discard only (RFC 6666)"},
    {"100:0:0:1::/64", Reach::kNowhere, "dummy prefix (RFC 9780)"},
    {"2001::/23", Reach::kNowhere, "IETF protocol assignments (RFC 2928)"},
    {"2001::/32", Reach::kGlobal, "Teredo (RFC 4380)"},
    {"2001:1::1/128", Reach::kNowhere, "port control protocol anycast (RFC 7723)"},
    {"2001:1::2/128", Reach::kNowhere, "TURN anycast (RFC 8155)"},
    {"2001:1::3/128", Reach::kNowhere, "DNS-SD registration anycast (RFC 9665)"},
    {"2001:2::/48", Reach::kNowhere, "benchmarking (RFC 5180)"},
    {"2001:3::/32", Reach::kNowhere, "AMT relays (RFC 7450)"},
    {"2001:4:112::/48", Reach::kNowhere, "AS112 sink (RFC 7535)"},
    {"2001:10::/28", Reach::kNowhere, "ORCHID, deprecated (RFC 4843)"},
    {"2001:20::/28", Reach::kNowhere, "ORCHIDv2 (RFC 7343)"},
    {"2001:30::/28", Reach::kNowhere, "drone remote identification (RFC 9374)"},
    {"2001:db8::/32", Reach::kNowhere, "documentation (RFC 3849)"},
    {"2002::/16", Reach::kGlobal, "6to4 (RFC 3056)"},
    {"2620:4f:8000::/48", Reach::kNowhere, "AS112 sink (RFC 7534)"},
    {"3fff::/20", Reach::kNowhere, "documentation (RFC 9637)"},
    {"5f00::/16", Reach::kNowhere, "segment routing identifiers (RFC 9602)"},
    {"fc00::/7", Reach::kOwn, "unique local (RFC 4193)"},
    {"fe80::/10", Reach::kNowhere, "link-local (RFC 4291)"},
    // In neither registry
    {"224.0.0.0/4", Reach::kNowhere, "multicast (RFC 5771)"},
    {"ff00::/8", Reach::kNowhere, "multicast (RFC 4291)"},
    {"fec0::/10", Reach::kNowhere, "site-local, deprecated (RFC 3879)"},
    {"100.100.100.200/32", Reach::kNowhere, "metadata of Alibaba Cloud"},
    {"168.63.129.16/32", Reach::kNowhere, "the wire server of Azure"},
    {"fd00:ec2::/32", Reach::kNowhere, "metadata of AWS"},
    {"fd20:ce::/32", Reach::kNowhere, "metadata of Google Cloud"},
    {"fd00:c1::/32", Reach::kNowhere, "metadata of Oracle Cloud"},
    {"fd00:42::42/128", Reach::kNowhere, "metadata of Scaleway"},
};

}  // namespace lcg::net
