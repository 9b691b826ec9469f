// SPDX-License-Identifier: Apache-2.0
// The signing keys in the store, their credential, and what operators do with both.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <string>

#include "lcg/services/storage.hpp"
#include "lcg/services/uaa.hpp"
#include "plugins/uaa/credential.h"
#include "plugins/uaa/es256.h"
#include "plugins/uaa/key_ring.h"
#include "plugins/uaa/records.h"
#include "testing/fake_host.h"

LCG_DECLARE_PLUGIN(uaa);

namespace lcg::uaa {
namespace {

using namespace std::chrono_literals;
using lcg::testing::FakeHost;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class KeyRingTest : public ::testing::Test {
 protected:
  KeyRingTest() {
    EXPECT_GE(sodium_init(), 0);
    std::string pattern = std::filesystem::temp_directory_path() / "lcg-keys-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ + "/key";
  }
  ~KeyRingTest() override { std::filesystem::remove_all(folder_); }

  void load(uint32_t instances = 1) {
    host_.load(lcg_plugin_descriptor_uaa(), {{"key.credential", file_}}, instances);
  }
  // "" or why it did not start.
  std::string why_not_started() {
    try {
      load();
      return "";
    } catch (const lcg::testing::PluginError& error) {
      return error.what();
    }
  }
  std::vector<std::string> stored() {
    std::vector<std::string> out;
    for (const auto& row : host_.storage().rows(std::string(kKeyPartition), std::string(kKeyCollection)))
      out.push_back(row.value);
    return out;
  }
  std::string stored_under(size_t i) {
    KeyRecord record;
    EXPECT_TRUE(decode(stored().at(i), record));
    EXPECT_EQ(record.private_der, "");
    return std::string(sealed_by(record.sealed));
  }
  std::string first_key() { return read_credential(file_).keys.at(0).id(); }
  std::string token() { return host_.await(client().issue_token("robot", 1h)).value.access_token; }
  std::string user_of(const std::string& token) { return host_.ask(lcg::testing::connect(token)).user_id; }
  Client client() { return Client(host_.host()); }

  std::string folder_, file_;
  FakeHost host_;
};

TEST_F(KeyRingTest, SigningKeysAreStoredEncrypted) {
  load(3);

  ASSERT_EQ(stored().size(), 1u);
  EXPECT_EQ(stored_under(0), first_key());
}

TEST_F(KeyRingTest, TheFileThatIsMadeIsToldOnceAndNotItsKey) {
  const auto told = [&] {
    size_t lines = 0;
    for (const auto& record : host_.logs()) {
      lines += record.level == 2 && record.text.find("made " + file_ + ",") != std::string::npos;
      EXPECT_THAT(record.text, Not(HasSubstr(read_credential(file_).keys.at(0).text())));
    }
    return lines;
  };
  load(3);
  EXPECT_EQ(told(), 1u);
  host_.restart();
  EXPECT_EQ(told(), 1u);
}

TEST_F(KeyRingTest, WithoutItsCredentialNothingStartsAndNothingIsChanged) {
  load();
  const std::string before = token();
  host_.stop();
  const auto rows = stored();
  std::filesystem::rename(file_, folder_ + "/elsewhere");

  EXPECT_THAT(why_not_started(),
              AllOf(HasSubstr("key.credential"), HasSubstr(file_), HasSubstr("put it back")));
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_EQ(stored(), rows);

  std::filesystem::rename(folder_ + "/elsewhere", file_);
  EXPECT_EQ(why_not_started(), "");
  EXPECT_EQ(user_of(before), "robot");
}

TEST_F(KeyRingTest, UnderAnotherCredentialNothingStartsAndNothingIsChanged) {
  load();
  host_.stop();
  const auto rows = stored();
  std::filesystem::remove(file_);
  make_credential(file_);

  EXPECT_THAT(why_not_started(), AllOf(HasSubstr("encrypted under another key"), HasSubstr(file_)));
  EXPECT_EQ(stored(), rows);
}

TEST_F(KeyRingTest, PlainKeysOfAnOldStoreAreEncryptedAndReplaced) {
  const std::string der = Es256Key::generate().private_der();
  load();
  const std::string row = wire::Writer().str(der).u64(static_cast<uint64_t>(host_.wall_ms())).take();
  storage::Batch batch;
  batch.put(std::string(kKeyCollection), storage::key_u64(1), row);
  const storage::Client store(host_.host());
  ASSERT_TRUE(host_.await(store.commit(std::string(kKeyPartition), std::move(batch))).ok());

  const uint64_t commits = host_.storage().commits();
  host_.restart();

  EXPECT_EQ(host_.storage().commits() - commits,
            1u);  // no moment at which the plain key's successor is missing
  ASSERT_EQ(stored().size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(stored_under(i), first_key());
    EXPECT_THAT(stored()[i], Not(HasSubstr(der)));
  }
  EXPECT_EQ(user_of(token()), "robot");
}

TEST_F(KeyRingTest, OperatorsRotateTheSigningKey) {
  load(2);
  const std::string old = token();

  const Reply rotated = host_.await(client().rotate_key());
  ASSERT_EQ(rotated.status, LCG_OK) << rotated.message;
  EXPECT_THAT(rotated.data, AllOf(HasSubstr("\"signs\""), HasSubstr("\"signs soon\"")));
  host_.advance(3 * 60'000);

  EXPECT_THAT(host_.await(client().keys()).data, AllOf(HasSubstr("\"verifies\""), HasSubstr("\"signs\"")));
  EXPECT_EQ(user_of(old), "robot");
  EXPECT_EQ(user_of(token()), "robot");
}

TEST_F(KeyRingTest, ManyRotationsAreRefusedWithWordsUntilOldKeysAreDropped) {
  load(2);
  const std::string first = token();
  for (size_t i = stored().size(); i < KeyRing::kMaxKeys; ++i) {
    const Reply rotated = host_.await(client().rotate_key());
    ASSERT_EQ(rotated.status, LCG_OK) << i << rotated.message;
  }

  const Reply refused = host_.await(client().rotate_key());

  EXPECT_EQ(refused.status, LCG_E_DENIED);
  EXPECT_THAT(refused.message, AllOf(HasSubstr("100 signing keys"), HasSubstr("key.keep")));
  EXPECT_EQ(user_of(first), "robot");
  host_.advance(49 * 3'600'000);
  EXPECT_EQ(host_.await(client().rotate_key()).status, LCG_OK);
}

TEST_F(KeyRingTest, KeysOnSeveralPagesOfTheStoreAreAllRead) {
  constexpr uint64_t kKeys = 501;
  load();
  const SealingKey first = read_credential(file_).keys.at(0);
  const std::string der = Es256Key::generate().private_der();
  storage::Batch batch;
  for (uint64_t serial = 2; serial <= kKeys; ++serial) {
    KeyRecord record;
    record.created_ms = host_.wall_ms();
    record.sealed = first.seal(der, "lcg uaa signing key " + std::to_string(serial));
    batch.put(std::string(kKeyCollection), storage::key_u64(serial), encode(record));
  }
  const storage::Client store(host_.host());
  ASSERT_TRUE(host_.await(store.commit(std::string(kKeyPartition), std::move(batch))).ok());

  host_.advance(60'000);

  EXPECT_THAT(host_.await(client().keys()).data, HasSubstr("\"serial\":" + std::to_string(kKeys) + ","));
}

TEST_F(KeyRingTest, SettingsThatWouldKeepTooManyKeysAreRefused) {
  const lcg::testing::Config config = {{"key.credential", file_}, {"key.rotate", "1h"}, {"key.keep", "91h"}};
  try {
    host_.load(lcg_plugin_descriptor_uaa(), config);
    FAIL() << "started";
  } catch (const lcg::testing::PluginError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("key.keep"), HasSubstr("90 times key.rotate")));
  }
}

TEST_F(KeyRingTest, OperatorsEncryptTheSigningKeysUnderANewCredential) {
  load();
  const std::string before = token(), old = first_key();

  const Reply done = host_.await(client().rewrap_keys());

  ASSERT_EQ(done.status, LCG_OK) << done.message;
  EXPECT_NE(first_key(), old);
  EXPECT_EQ(stored_under(0), first_key());
  host_.restart();
  EXPECT_EQ(user_of(before), "robot");
  EXPECT_EQ(read_credential(file_).keys.size(), 1u);  // nothing needs the old one
}

TEST_F(KeyRingTest, ACrashBetweenTheNewCredentialAndTheNewRowsIsMendedAtStart) {
  load();
  const std::string before = token();
  host_.stop();
  ASSERT_EQ(add_key(file_), "");

  load();

  EXPECT_EQ(stored_under(0), first_key());
  EXPECT_EQ(user_of(before), "robot");
}

}  // namespace
}  // namespace lcg::uaa
