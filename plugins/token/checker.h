// SPDX-License-Identifier: Apache-2.0
// checker: from a token to what is to be done with it: the rules of verify.h with the keys of this moment, and the
// revocations. Lane: the instance's.
#pragma once
#include <string>
#include <string_view>

#include "lcg/host.hpp"
#include "plugins/token/published_keys.h"
#include "plugins/token/revocations.h"
#include "plugins/token/settings.h"

namespace lcg::token {

enum class TokenKind { kConnection, kSubscription };

struct Checked {
  enum class Verdict {
    kGood,
    kExpired,  // or not valid yet, or older than what is left of its user's: the client should come with another
    kInvalid,
    kRevoked,     // this very token, by its jti
    kNotOurs,     // another plugin's, with defer_unknown
    kUnknownable  // the keys, or the revocations, cannot be known now
  };
  Verdict verdict = Verdict::kInvalid;
  std::string why;  // unless kGood: for people, no part of the token
  Claims claims;    // kGood
};

class Checker {
 public:
  // `settings`, `published` and `revocations` must outlive it; `revocations` null: nothing is ever revoked.
  Checker(Host host, const Settings& settings, PublishedKeys& published, Revocations* revocations)
      : host_(host), settings_(settings), published_(published), revocations_(revocations) {}

  Task<Checked> check(std::string token, TokenKind kind);
  // Of a good one that fits what it is used for: whether it, or what is left of its user's, was taken back. `session`
  // is whose it is used for; `is_connect`: it is not connected yet. From here on a revocation finds what it opens.
  Task<Checked> admit(Checked checked, std::string session, bool is_connect);

 private:
  Task<Fault> check_signature_with_newest(const Jws* jws, const Claims* claims, const TokenRules* rules,
                                          bool* later);

  const Host host_;
  const Settings& settings_;
  PublishedKeys& published_;
  Revocations* const revocations_;
};

}  // namespace lcg::token
