// SPDX-License-Identifier: Apache-2.0
// oauth: the HTTP face of uaa. RFC 6749 token endpoint (password and refresh_token grants, public clients),
// RFC 7009 revocation, RFC 7517 keys, RFC 8414 metadata, and registration by user name and password.
//
// Answers are JSON; errors are {"error","error_description"} with the code of the RFC. Nobody learns from an
// answer or its time whether a user name exists, except from registration, which cannot hide it. Lane: the
// instance's.
#pragma once
#include <string>

#include "lcg/host.hpp"
#include "plugins/uaa/attempt_limit.h"
#include "plugins/uaa/form.h"
#include "plugins/uaa/logins.h"
#include "plugins/uaa/password_check.h"

namespace lcg::uaa {

struct OAuthRules {
  std::string issuer;
  bool open_registration = true;
  AttemptLimit::Rule per_user{10, 10};         // failed passwords of one user name
  AttemptLimit::Rule per_address{100, 100};    // failed passwords from one address
  AttemptLimit::Rule registrations{2000, 60};  // new users from one address
};

class OAuth {
 public:
  OAuth(Host host, OAuthRules rules, Logins& logins, PasswordCheck& passwords, KeyRing& ring);

  // Defers what is not its path.
  Task<Reply> serve(Request request);

 private:
  Task<Reply> token(Request request);
  Task<Reply> password_grant(Parameters parameters, std::string address);
  Task<Reply> refresh_grant(Parameters parameters);
  Task<Reply> add_user(Request request);
  Task<Reply> revoke(Request request);
  Task<Reply> jwks(Request);
  Task<Reply> metadata(Request);

  const Host host_;
  const OAuthRules rules_;
  Logins& logins_;
  PasswordCheck& passwords_;
  KeyRing& ring_;
  AttemptLimit per_user_, per_address_, registrations_;
};

}  // namespace lcg::uaa
