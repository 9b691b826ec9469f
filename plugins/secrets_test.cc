// SPDX-License-Identifier: Apache-2.0
// A secret in any setting of any stock plugin, where it belongs and where it does not: no refusal and no line of the
// log has it. The settings are those of the plugins' READMEs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>

#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(storage_rocksdb);
LCG_DECLARE_PLUGIN(uaa);
LCG_DECLARE_PLUGIN(user);
LCG_DECLARE_PLUGIN(message);
LCG_DECLARE_PLUGIN(dialog);
LCG_DECLARE_PLUGIN(token);
LCG_DECLARE_PLUGIN(http_callback);

namespace lcg {
namespace {

using testing::Config;

constexpr const char* kSecret = "CanarySecret";
constexpr int kFarSecond = 2'000'000'000;

struct Plugin {
  std::string name;
  const lcg_descriptor* (*descriptor)();
  Config needs;                    // what it does not start without
  std::vector<std::string> extra;  // settings that its README has outside of a table
};

// A folder that nobody can make, so that nothing is written.
const std::string kNowhere = "/proc/nowhere";

std::vector<Plugin> plugins() {
  const std::string back_end = "backends.0.";
  std::vector<std::string> callback_keys;
  for (const char* key :
       {"name", "endpoint", "timeout", "retries", "max_connections", "max_queue", "http_headers",
        "static_headers", "include_connection_meta", "binary_encoding", "breaker.failures",
        "breaker.open_for", "tls.ca", "tls.cert", "tls.key", "tls.server_name",
        "status_to_code_transforms.0.status_code", "status_to_code_transforms.0.to_error.code",
        "status_to_code_transforms.0.to_error.message"})
    callback_keys.push_back(back_end + key);
  for (const char* key :
       {"connect", "refresh", "rpc.without_namespace", "rpc.namespaces.0.name", "rpc.namespaces.0.backend",
        "addresses.allow", "addresses.deny", "events.backend", "events.timeout", "events.batch",
        "events.linger", "events.parallel", "events.retain_events", "events.retain_time", "events.retry_min",
        "events.retry_max"})
    callback_keys.emplace_back(key);
  return {
      {"storage_rocksdb", lcg_plugin_descriptor_storage_rocksdb, {{"path", kNowhere + "/store"}}, {}},
      {"uaa", lcg_plugin_descriptor_uaa, {{"key.credential", kNowhere + "/key"}}, {"limits.user.per_minute"}},
      {"user", lcg_plugin_descriptor_user, {}, {}},
      {"message", lcg_plugin_descriptor_message, {}, {}},
      {"dialog", lcg_plugin_descriptor_dialog, {}, {}},
      {"token",
       lcg_plugin_descriptor_token,
       {{"hmac_secret_key", "a secret of thirty-two bytes, all"}},
       {"hmac_secret_key_file", "rsa_public_key_file", "ecdsa_public_key_file", "ed25519_public_key_file",
        "jwks.values.realm", "subscription_token.hmac_secret_key"}},
      {"http_callback",
       lcg_plugin_descriptor_http_callback,
       {{"backends.#", "1"},
        {"backends.0.name", "main"},
        {"backends.0.endpoint", "http://127.0.0.1:1/"},
        {"backends.0.status_to_code_transforms.#", "1"},
        {"backends.0.status_to_code_transforms.0.status_code", "404"},
        {"rpc.namespaces.#", "1"},
        {"rpc.namespaces.0.name", "shop"}},
       std::move(callback_keys)}};
}

// The names in the first column of the README's table of settings.
std::set<std::string> settings_of(const Plugin& plugin) {
  std::set<std::string> out(plugin.extra.begin(), plugin.extra.end());
  std::ifstream file(std::string(LCG_PLUGINS) + "/" + plugin.name + "/README.md");
  EXPECT_TRUE(file) << plugin.name;
  const std::regex name("`([a-z0-9_]+(\\.[a-z0-9_]+)*)`");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    const std::string first = line.substr(2, line.find(" | ", 2) - 2);
    for (std::sregex_iterator at(first.begin(), first.end(), name), end; at != end; ++at)
      out.insert((*at)[1]);
  }
  return out;
}

// Where the server keeps what is its own: told, so that the operator finds it. The path of a key is told as well, and
// what cannot be one is not.
bool is_own_path(const std::string& key) { return key == "path"; }

// All that is said while the plugin starts, or does not.
std::string said(const Plugin& plugin, const Config& changed) {
  testing::FakeHost host;
  Config config = plugin.needs;
  for (const auto& [key, value] : changed) config[key] = value;
  std::string out;
  try {
    host.load(plugin.descriptor(), config);
  } catch (const testing::PluginError& error) {
    out = error.what();
  }
  for (const auto& record : host.logs()) out += "\n" + record.text;
  return out;
}

void expect_untold(const Plugin& plugin, const Config& changed) {
  const std::string text = said(plugin, changed);
  std::string keys;
  for (const auto& [key, value] : changed) keys += " " + key + "=" + value;
  EXPECT_EQ(text.find(kSecret), std::string::npos) << plugin.name << keys << " says: " << text;
}

TEST(Secrets, NoSettingIsToldWhenItIsRefused) {
  for (const Plugin& plugin : plugins()) {
    const std::set<std::string> keys = settings_of(plugin);
    for (const std::string& key : keys) {
      if (plugin.needs.contains(key + ".#") || is_own_path(key)) continue;
      for (const std::string& value : {std::string(kSecret), std::string("http://user:") + kSecret + "@host/",
                                       std::string("file://host/?") + kSecret, std::string("(") + kSecret}) {
        expect_untold(plugin, {{key, value}});
        expect_untold(plugin, {{key + ".#", "1"}, {key + ".0", value}});
      }
    }
  }
}

TEST(Secrets, NoneOfTheRightSettingsIsTold) {
  const std::string secret = kSecret;
  for (const Plugin& plugin : plugins()) {
    if (plugin.name == "token") {
      expect_untold(plugin, {{"hmac_secret_key", secret + " of sixteen"}});
      expect_untold(plugin, {{"hmac_secret_key", secret}});
      expect_untold(plugin, {{"hmac_previous_secret_key", secret + " of sixteen"},
                             {"hmac_previous_secret_key_valid_until", std::to_string(kFarSecond)}});
      expect_untold(plugin, {{"jwks.url", "http://127.0.0.1:1/keys?token=" + secret}});
      expect_untold(plugin, {{"jwks.url", "http://127.0.0.1:1/keys#" + secret}});
    }
    if (plugin.name == "uaa") {
      for (const std::string& pasted :
           {"lcg-credential-1 " + secret, "lcg-credential-1 a/" + secret, "/a\n" + secret})
        expect_untold(plugin, {{"key.credential", pasted}});
    }
    if (plugin.name == "http_callback") {
      expect_untold(plugin, {{"backends.0.endpoint", "http://127.0.0.1:1/?token=" + secret}});
      expect_untold(plugin, {{"backends.0.static_headers.#", "1"},
                             {"backends.0.static_headers.0", "Authorization: Bearer " + secret}});
    }
  }
}

}  // namespace
}  // namespace lcg
