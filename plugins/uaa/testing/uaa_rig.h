// SPDX-License-Identifier: Apache-2.0
// uaa_rig: the plugin in the fake host, with the cheapest hash, asked over HTTP as clients do.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "lcg/services/uaa.hpp"
#include "plugins/uaa/flat_json.h"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(uaa);

namespace lcg::uaa {

class UaaRig : public ::testing::Test {
 protected:
  UaaRig() {
    std::string pattern = std::filesystem::temp_directory_path() / "lcg-uaa-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~UaaRig() override { std::filesystem::remove_all(folder_); }

  // The cheapest hash, so that a test takes milliseconds.
  lcg::testing::Config cheap(lcg::testing::Config changed = {}) const {
    changed.insert({{"argon2_memory", "8KiB"}, {"argon2_passes", "1"}, {"key.credential", folder_ + "/key"}});
    return changed;
  }
  void load(lcg::testing::Config changed = {}) {
    host_.load(lcg_plugin_descriptor_uaa(), cheap(std::move(changed)));
  }

  Reply post(const std::string& path, const std::string& body, const std::string& address = "192.0.2.1:1") {
    Peer peer;
    peer.remote_addr = address;
    peer.flags = LCG_PEER_HTTP;
    return host_.ask(lcg::testing::http("POST " + path, body, "", peer));
  }
  void add_user(const std::string& user, const std::string& password = "correct horse") {
    const Reply reply = post("/oauth/register", "username=" + user + "&password=" + password);
    ASSERT_EQ(reply.error_code, 201u) << reply.data;
  }
  Reply password_grant(const std::string& user, const std::string& password = "correct horse",
                       const std::string& address = "192.0.2.1:1") {
    return post("/oauth/token", "grant_type=password&username=" + user + "&password=" + password, address);
  }
  Reply refresh_grant(const std::string& token) {
    return post("/oauth/token", "grant_type=refresh_token&refresh_token=" + token);
  }
  static std::string member(const Reply& reply, const std::string& name) {
    const auto object = FlatObject::parse(reply.data);
    const std::string* text = object ? object->string(name) : nullptr;
    return text == nullptr ? "" : *text;
  }
  static std::string access(const Reply& reply) { return member(reply, "access_token"); }
  static std::string refresh(const Reply& reply) { return member(reply, "refresh_token"); }
  Reply connect(const std::string& token) { return host_.ask(lcg::testing::connect(token)); }
  Reply login(const std::string& user = "alice") {
    add_user(user);
    return password_grant(user);
  }
  Reply refresh_session(const std::string& token, const Reply& connected) {
    Peer peer = lcg::testing::peer(connected.user_id);
    peer.auth_id = connected.auth_id;
    return host_.ask(lcg::testing::refresh(token, peer));
  }
  Client client() { return Client(host_.host()); }

  std::string folder_;  // of the credential
  lcg::testing::FakeHost host_;
};

}  // namespace lcg::uaa
