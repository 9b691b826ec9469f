// SPDX-License-Identifier: Apache-2.0
#include "plugins/uaa/credential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

namespace lcg::uaa {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class CredentialTest : public ::testing::Test {
 protected:
  CredentialTest() {
    EXPECT_GE(sodium_init(), 0);
    std::string pattern = fs::temp_directory_path() / "lcg-credential-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    path_ = folder_ + "/state/uaa.key";
  }
  ~CredentialTest() override { fs::remove_all(folder_); }

  std::string folder_, path_;
};

TEST_F(CredentialTest, IsMadeOnceForItsOwnerAlone) {
  const Credential made = make_credential(path_), again = make_credential(path_);
  EXPECT_TRUE(made.made);
  EXPECT_FALSE(again.made);

  ASSERT_EQ(made.keys.size(), 1u) << made.why;
  EXPECT_EQ(again.keys.front().id(), made.keys.front().id());
  struct stat info {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat((folder_ + "/state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_ + "/state"), fs::directory_iterator()), 1);
}

TEST_F(CredentialTest, OpensWhatItSealedInItsPlaceOnly) {
  const SealingKey key = SealingKey::generate(), other = SealingKey::generate();
  const std::string sealed = key.seal("a secret", "row 1");

  EXPECT_EQ(open_sealed({other, key}, sealed, "row 1"), "a secret");
  EXPECT_EQ(open_sealed({key}, sealed, "row 2"), std::nullopt);
  EXPECT_EQ(open_sealed({other}, sealed, "row 1"), std::nullopt);
  EXPECT_THAT(sealed, Not(HasSubstr("secret")));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(open_sealed({key}, changed, "row 1"), std::nullopt) << i;
    EXPECT_EQ(open_sealed({key}, sealed.substr(0, i), "row 1"), std::nullopt) << i;
  }
}

TEST_F(CredentialTest, ANewKeySealsAndTheOldOneOpensUntilItIsDropped) {
  const std::string sealed = make_credential(path_).keys.front().seal("x", "");

  ASSERT_EQ(add_key(path_), "");
  const Credential two = read_credential(path_);
  ASSERT_EQ(two.keys.size(), 2u);
  EXPECT_NE(two.keys.front().id(), sealed_by(sealed));
  EXPECT_EQ(open_sealed(two.keys, sealed, ""), "x");

  ASSERT_EQ(drop_older_keys(path_, two.keys.front().id()), "");
  EXPECT_EQ(read_credential(path_).keys.size(), 1u);
  EXPECT_EQ(read_credential(path_).keys.front().id(), two.keys.front().id());
}

TEST_F(CredentialTest, OfSeveralWhoAddKeysAtOnceNoneLosesOne) {
  make_credential(path_);
  constexpr int kThreads = 3, kEach = 5;  // and the first one: 16, as many as a file may have
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([this] {
      for (int n = 0; n < kEach; ++n) EXPECT_EQ(add_key(path_), "");
    });
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(read_credential(path_).keys.size(), 1u + kThreads * kEach);
}

// A lane that has just loaded finds nothing under the older keys; meanwhile another one has added a key, and what is
// in the store is still under the one before it.
TEST_F(CredentialTest, KeysAreDroppedOnlyBehindTheOneThatTheStoreIsUnder) {
  const std::string first = make_credential(path_).keys.front().id();
  ASSERT_EQ(add_key(path_), "");

  EXPECT_EQ(drop_older_keys(path_, first), "");

  EXPECT_EQ(read_credential(path_).keys.size(), 2u);
}

TEST_F(CredentialTest, AKeyInPlaceOfThePathIsRefusedWithoutItsText) {
  const std::string key = SealingKey::generate().text();
  for (const std::string& text :
       {key, "lcg-credential-1 " + key, "lcg-credential-1 a/" + key, "# a/b\nlcg-credential-1 " + key,
        "a/" + key + "\n", "https://host/" + key}) {
    EXPECT_THAT(fault_of_credential_path(text),
                AllOf(HasSubstr("the path of the file"), Not(HasSubstr(key))));
  }
  for (const char* path : {"", "/etc/lcg/uaa.key", "./uaa.key", "var/uaa.key"})
    EXPECT_EQ(fault_of_credential_path(path), "") << path;
}

TEST_F(CredentialTest, AFileThatOthersMayReadIsRefused) {
  make_credential(path_);
  ASSERT_EQ(::chmod(path_.c_str(), 0644), 0);
  EXPECT_THAT(make_credential(path_).why, HasSubstr("mode is 0644"));
}

TEST_F(CredentialTest, AFolderThatOthersMayWriteIsRefused) {
  ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
  EXPECT_THAT(make_credential(path_).why, HasSubstr("mode is 0777"));
}

TEST_F(CredentialTest, WhatIsNoCredentialIsNamedWithoutItsText) {
  make_credential(path_);
  for (const char* text :
       {"", "# nothing\n", "hunter2\n", "lcg-credential-1 hunter2\n", "lcg-credential-1 \n"}) {
    std::ofstream(path_) << text;
    const Credential read = read_credential(path_);
    EXPECT_TRUE(read.keys.empty());
    EXPECT_FALSE(read.absent);
    EXPECT_THAT(read.why, HasSubstr(path_));
    EXPECT_THAT(read.why, Not(HasSubstr("hunter2")));
  }
}

}  // namespace
}  // namespace lcg::uaa
