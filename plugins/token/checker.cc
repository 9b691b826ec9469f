// SPDX-License-Identifier: Apache-2.0
#include "plugins/token/checker.h"

namespace lcg::token {
namespace {

using Verdict = Checked::Verdict;

Checked refused(Verdict verdict, std::string_view why) {
  Checked out;
  out.verdict = verdict;
  out.why = why;
  return out;
}

}  // namespace

Task<Checked> Checker::admit(Checked checked, std::string session, bool is_connect) {
  if (revocations_ == nullptr) co_return checked;
  const Claims& claims = checked.claims;
  Admission admission;
  admission.token_id = claims.token_id;
  admission.user = claims.user;
  admission.issued_s = claims.issued_s.value_or(-1);
  admission.channel = claims.channel.value_or("");
  admission.session = std::move(session);
  admission.until_ms = claims.lives_until_ms();
  admission.is_connect = is_connect;
  const lcg_status admitted = co_await revocations_->admit(std::move(admission));
  if (admitted == LCG_E_DENIED) co_return refused(Verdict::kRevoked, "token revoked");
  // Not the login is over: its tokens of before are, and those that do not say when they were issued.
  if (admitted == LCG_E_STALE)
    co_return refused(Verdict::kExpired, claims.issued_s ? "token revoked: a newer one is needed"
                                                         : "token revoked: one with iat is needed");
  if (admitted == LCG_E_BUSY)
    co_return refused(Verdict::kUnknownable, "too many tokens are being checked: try again");
  if (admitted != LCG_OK) co_return refused(Verdict::kUnknownable, "revocations cannot be read now");
  co_return checked;
}

Task<Checked> Checker::check(std::string token, TokenKind kind) {
  const TokenRules& rules = kind == TokenKind::kConnection ? settings_.connection : settings_.subscription;
  const Verdict not_ours = settings_.defer_unknown ? Verdict::kNotOurs : Verdict::kInvalid;
  const std::optional<Jws> jws = read_jws(token);
  if (!jws) co_return refused(not_ours, fault_text(Fault::kMalformed));
  Checked out;
  std::optional<Claims> claims = read_claims(jws->payload, rules.user_claim, out.why);
  if (!claims) co_return refused(not_ours, "malformed token: " + out.why);
  // From here on it is a user id, whole as everywhere.
  const std::optional<std::string> scope =
      rules.published ? rules.published->scope(*claims, rules.policy) : std::string();
  if (!scope) co_return refused(not_ours, fault_text(Fault::kForeign));
  if (!claims->user.empty()) claims->user.insert(0, settings_.user_prefix + *scope);
  if (claims->user.size() > kMaxUserBytes)
    co_return refused(not_ours, "malformed token: the user id is too long");
  // Before any key is looked for: what other plugins signed must not make us ask for keys.
  if (!is_our_issuer(rules.policy, claims->issuer)) co_return refused(not_ours, fault_text(Fault::kForeign));

  bool later = false;
  Fault fault = co_await check_signature_with_newest(&*jws, &*claims, &rules, &later);
  // Where any issuer's tokens are taken, those that our keys signed are ours.
  const bool ours_by_key = rules.policy.issuer.empty() && rules.policy.issuer_regex == nullptr;
  if (ours_by_key && settings_.defer_unknown && (fault == Fault::kUnknownKey || fault == Fault::kForged))
    co_return refused(Verdict::kNotOurs, fault_text(fault));
  if (fault == Fault::kUnknownKey && later)
    co_return refused(Verdict::kUnknownable, "the keys of this token cannot be read now");
  if (fault == Fault::kNone) fault = check_claims(*claims, rules.policy, host_.wall_ms() / 1000);
  if (fault == Fault::kExpired || fault == Fault::kNotYet)
    co_return refused(Verdict::kExpired, fault_text(fault));
  if (fault != Fault::kNone) co_return refused(Verdict::kInvalid, fault_text(fault));
  out.verdict = Verdict::kGood;
  out.claims = *std::move(claims);
  co_return out;
}

// *later: a set of keys that cannot be had at the moment may know the key.
Task<Fault> Checker::check_signature_with_newest(const Jws* jws, const Claims* claims,
                                                 const TokenRules* rules, bool* later) {
  const int64_t now_s = host_.wall_ms() / 1000;
  if (!rules->published) co_return check_signature(*jws, nullptr, rules->fixed, now_s);
  const std::optional<size_t> endpoint = rules->published->find(*claims, rules->policy);
  if (!endpoint) {
    const Fault fault = check_signature(*jws, nullptr, rules->fixed, now_s);
    co_return fault == Fault::kUnknownKey ? Fault::kForeign : fault;
  }
  static const KeyMap kNoKeys;
  const auto keys = [this, &endpoint] {
    const KeyMap* known = published_.keys(*endpoint);
    return known != nullptr ? known : &kNoKeys;
  };
  Fault fault = check_signature(*jws, keys(), rules->fixed, now_s);
  if (fault != Fault::kUnknownKey || jws->kid.empty()) co_return fault;
  const bool current = co_await published_.look_again(*endpoint);
  *later = !current;
  // Another token's look may have brought the key although ours could not.
  co_return check_signature(*jws, keys(), rules->fixed, now_s);
}

}  // namespace lcg::token
