#include "gateway/api/config.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/status.h"
#include "gateway/api/method.h"

namespace lcg::gateway::api {
namespace {

// Only what could be a namespace: a word that is none would lock a key out of everything without a sign.
bool is_namespace(std::string_view name) {
  return name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                  c == '-';
         });
}

KeyConfig read_key(config::Section section) {
  KeyConfig out;
  std::string key;
  section.require("name");
  section.get("name", out.name);
  section.require("key");
  if (section.get_secret("key", key) && (key.empty() || key.size() > kMaxKeyBytes)) {
    section.error(
        "key", "expected 1 to " + std::to_string(kMaxKeyBytes) + " bytes (make one: openssl rand -hex 32)");
  }
  out.digest = digest_of(key);
  section.get("methods", out.methods);
  for (size_t i = 0; i < out.methods.size(); ++i) {
    if (find_method(out.methods[i]) == nullptr)
      section.error("methods", i, "there is no such method; docs/server-api.md lists them");
  }
  section.get("namespaces", out.namespaces);
  for (size_t i = 0; i < out.namespaces.size(); ++i) {
    if (!is_namespace(out.namespaces[i]))
      section.error("namespaces", i,
                    "expected the name of a namespace, without ':', or \"\" for channels without one");
  }
  section.get("rate", out.rate, 0, 1e6);
  out.burst = std::max(out.rate, 1.0);
  section.get("burst", out.burst, 1, 1e6);
  return out;
}

}  // namespace

KeyDigest digest_of(std::string_view key) {
  KeyDigest out{};
  if (EVP_Digest(key.data(), key.size(), out.data(), nullptr, EVP_sha256(), nullptr) != 1)
    die("SHA-256 is not available");
  return out;
}

ApiConfig read_config(config::Section section) {
  ApiConfig out;
  for (config::Section& key : section.list("keys")) {
    out.keys.push_back(read_key(key));
    const KeyConfig& last = out.keys.back();
    for (size_t i = 0; i + 1 < out.keys.size(); ++i) {
      const std::string other = "keys." + std::to_string(i);
      if (out.keys[i].name == last.name) key.error("name", "the same as that of " + other);
      if (out.keys[i].digest == last.digest)
        key.error("key", "the same as that of " + other + ": each needs its own");
    }
  }
  if (out.keys.size() > kMaxKeys)
    section.error("keys", "expected at most " + std::to_string(kMaxKeys) + " keys");
  section.get("insecure", out.insecure);
  if (out.insecure && !out.keys.empty())
    section.error("insecure", "with it no key is asked for: remove the keys, or set it to false");
  section.get_enum("error_mode", out.transport_errors, {{"object", false}, {"transport", true}});
  section.get_size("body_size", out.max_body_bytes, 1024, 64u << 20);
  section.get("batch_commands", out.max_batch_commands, 1, 100'000);
  section.get("broadcast_channels", out.max_broadcast_channels, 1, 1'000'000);
  section.get("in_flight", out.max_in_flight, 1, 1u << 20);
  section.get("revoke_services", out.revoke_services);
  return out;
}

}  // namespace lcg::gateway::api
