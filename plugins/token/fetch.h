// SPDX-License-Identifier: Apache-2.0
// fetch: one GET of a small document, on libcurl. Blocks: for the blocking pool only.
//
// Only http and https, TLS 1.2 or newer with the certificate and its name checked, no redirect, no proxy of the
// environment, no compression, no cookies. The address is checked when the socket is made, so what was resolved is
// what is connected to. Any thread.
#pragma once
#include <atomic>
#include <chrono>
#include <string>

#include "lcg/net/address_policy.hpp"

namespace lcg::token {

struct FetchRules {
  std::chrono::milliseconds timeout{5000};  // of all of it, name and TLS included
  size_t max_bytes = 64u << 10;             // of the body; of the head the same
  std::string ca_file;                      // PEM; empty: the system's
  net::AddressPolicy addresses;
};

struct Fetched {
  bool ok = false;
  std::string body;  // ok
  std::string why;   // not ok: for the log
};

// `url`: checked by check_url. Ends early when *stop becomes true. Only status 200 is a success.
Fetched fetch(const std::string& url, const FetchRules& rules, const std::atomic<bool>& stop);

// Throws std::invalid_argument: not http or https, a user or password in it, no host.
void check_url(const std::string& url);
// For the log: without user, query and fragment, where secrets are. REQUIRES: checked by check_url.
std::string shown_url(const std::string& url);
bool is_plain_http(const std::string& url);

}  // namespace lcg::token
