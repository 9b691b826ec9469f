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
#include "plugins/uaa/form.h"
#include "plugins/uaa/logins.h"
#include "plugins/uaa/password_gate.h"

namespace lcg::uaa {

struct OAuthRules {
  std::string issuer;
  std::string user_prefix{};  // a user's id is this and the user name
  bool open_registration = true;
};

class OAuth {
 public:
  OAuth(Host host, OAuthRules rules, Logins& logins, PasswordGate& gate, KeyRing& ring);

  // Defers what is not its path.
  Task<Reply> serve(Request request);

 private:
  Task<Reply> token(Request request);
  Task<Reply> password_grant(Parameters parameters, Request request);
  Task<Reply> refresh_grant(Parameters parameters);
  Task<Reply> add_user(Request request);
  Task<Reply> revoke(Request request);
  Task<Reply> jwks(Request);
  Task<Reply> metadata(Request);

  const Host host_;
  const OAuthRules rules_;
  Logins& logins_;
  PasswordGate& gate_;
  KeyRing& ring_;
};

}  // namespace lcg::uaa
