// SPDX-License-Identifier: Apache-2.0
// token_rig: the plugin in the fake host, and what its tests ask it.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "lcg/services/token.hpp"
#include "plugins/token/testing/signer.h"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(token);

namespace lcg::token {

class TokenRig : public ::testing::Test {
 protected:
  using Config = lcg::testing::Config;

  void load(Config config = {}, uint32_t instances = 1) {
    if (!config.contains("jwks.url")) config.insert({"hmac_secret_key", kSecret});
    host_.load(lcg_plugin_descriptor_token(), std::move(config), instances);
  }
  std::string refusal(Config config) {
    try {
      host_.load(lcg_plugin_descriptor_token(), std::move(config));
    } catch (const lcg::testing::PluginError& error) {
      return error.what();
    }
    return "started";
  }

  int64_t now_s() const { return host_.wall_ms() / 1000; }
  // {"sub":"ann","exp":in an hour, ...more}
  std::string claims(const std::string& more = "", const std::string& user = "ann") const {
    return R"({"sub":")" + user + R"(","iat":)" + std::to_string(now_s()) + R"(,"exp":)" +
           std::to_string(now_s() + 3600) + (more.empty() ? "" : ",") + more + "}";
  }
  std::string token(const std::string& more = "", const std::string& user = "ann") const {
    return hs256(claims(more, user));
  }
  std::string expired() const { return hs256(R"({"sub":"ann","channel":"news","exp":1})"); }

  Reply connect(const std::string& credential) {
    Peer peer;
    peer.session_id = "s1";
    return host_.ask(lcg::testing::connect(credential, "", peer));
  }
  static Peer ann() { return lcg::testing::peer("ann", "device", "s1"); }
  Reply refresh(const std::string& credential, const Peer& peer = ann()) {
    return host_.ask(lcg::testing::refresh(credential, peer));
  }
  Reply subscribe(const std::string& credential, const std::string& channel = "news",
                  const Peer& peer = ann()) {
    Request request = lcg::testing::subscribe(channel, peer);
    request.credential = credential;
    return host_.ask(std::move(request));
  }
  Reply sub_refresh(const std::string& credential, const std::string& channel = "news") {
    return host_.ask(lcg::testing::sub_refresh(channel, credential, ann()));
  }
  Reply revoke(Revocation revocation) {
    return host_.await(Client(host_.host()).revoke(std::move(revocation)));
  }
  static Revocation of_token(const std::string& id, const std::string& channel = "") {
    Revocation out;
    out.token_id = id;
    out.channel = channel;
    return out;
  }
  static Revocation of_user(const std::string& user, const std::string& channel = "") {
    Revocation out;
    out.user = user;
    out.channel = channel;
    return out;
  }

  lcg::testing::FakeHost host_;
};

}  // namespace lcg::token
