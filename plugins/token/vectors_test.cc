// SPDX-License-Identifier: Apache-2.0
// Tokens made by other people's libraries (testdata/make_vectors.py), and what is to be said of each.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "plugins/token/base64.h"
#include "plugins/token/verify.h"

namespace lcg::token {
namespace {

constexpr int64_t kNow = 1'700'000'000;

struct Vector {
  std::string name, fault, fixed, published, token;
};
std::ostream& operator<<(std::ostream& out, const Vector& vector) { return out << vector.name; }

struct Vectors {
  std::map<std::string, VerifyKey> keys;
  std::vector<Vector> tokens;
};

Vectors read_vectors() {
  Vectors out;
  std::ifstream file(LCG_TOKEN_VECTORS);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string kind;
    fields >> kind;
    if (kind == "key") {
      std::string name, algorithm, material;
      fields >> name >> algorithm >> material;
      const Algorithm pinned = algorithm_named(algorithm).value();
      const std::string bytes = from_base64(material).value();
      out.keys.emplace(name, family_of(pinned) == Family::kHmac ? VerifyKey::hmac(pinned, bytes)
                                                                : VerifyKey::pem(pinned, bytes));
    } else {
      Vector vector;
      fields >> vector.name >> vector.fault >> vector.fixed >> vector.published;
      std::getline(fields >> std::ws, vector.token);
      out.tokens.push_back(std::move(vector));
    }
  }
  return out;
}

const Vectors& vectors() {
  static const Vectors all = read_vectors();
  return all;
}

std::vector<std::string> names(const std::string& list) {
  std::vector<std::string> out;
  std::istringstream items(list == "-" ? "" : list);
  for (std::string item; std::getline(items, item, ',');) out.push_back(item);
  return out;
}

std::string word(Fault fault) {
  static const std::map<Fault, std::string> words = {
      {Fault::kNone, "none"},      {Fault::kMalformed, "malformed"}, {Fault::kForeign, "foreign"},
      {Fault::kForged, "forged"},  {Fault::kNoExpiry, "no_expiry"},  {Fault::kUnknownKey, "unknown_key"},
      {Fault::kNotYet, "not_yet"}, {Fault::kExpired, "expired"}};
  return words.at(fault);
}

Fault check(const Vector& vector) {
  const std::optional<Jws> jws = read_jws(vector.token);
  if (!jws) return Fault::kMalformed;
  std::vector<FixedKey> fixed;
  for (const std::string& name : names(vector.fixed)) fixed.push_back({vectors().keys.at(name), 0});
  KeyMap published;
  for (const std::string& name : names(vector.published)) published.emplace(name, vectors().keys.at(name));
  std::string why;
  const std::optional<Claims> claims = read_claims(jws->payload, "sub", why);
  if (!claims) return Fault::kMalformed;
  const Fault fault = check_signature(*jws, published.empty() ? nullptr : &published, fixed, kNow);
  if (fault != Fault::kNone) return fault;
  TokenPolicy policy;
  policy.issuer = "https://issuer.example";
  policy.audience = "lcg";
  return check_claims(*claims, policy, kNow);
}

class Judged : public ::testing::TestWithParam<Vector> {};

TEST_P(Judged, IsJudgedAsExpected) { EXPECT_EQ(word(check(GetParam())), GetParam().fault); }

INSTANTIATE_TEST_SUITE_P(Token, Judged, ::testing::ValuesIn(vectors().tokens), [](const auto& instance) {
  std::string name = std::to_string(instance.index) + "_" + instance.param.name;
  for (char& c : name)
    if (isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
});

TEST(VectorFile, IsThere) { EXPECT_GT(vectors().tokens.size(), 250u); }

}  // namespace
}  // namespace lcg::token
