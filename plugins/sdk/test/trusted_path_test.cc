// SPDX-License-Identifier: Apache-2.0
#include "lcg/trusted_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace lcg {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t kStranger = 12345;

// a/b/file, all private.
class TrustedPathTest : public ::testing::Test {
 protected:
  TrustedPathTest() {
    std::string pattern = fs::temp_directory_path() / "lcg-trusted-XXXXXX";
    root_ = fs::canonical(::mkdtemp(pattern.data())).string();
    fs::create_directories(root_ + "/a/b");
    std::ofstream(file_ = root_ + "/a/b/file") << "x";
    for (const char* path : {"/a", "/a/b"}) mode(root_ + path, 0755);
    mode(file_, 0644);
  }
  ~TrustedPathTest() override { fs::remove_all(root_); }

  static void mode(const std::string& path, mode_t bits) { ASSERT_EQ(::chmod(path.c_str(), bits), 0); }
  // False: only root can give a file away.
  static bool give_away(const std::string& path) { return ::lchown(path.c_str(), kStranger, 0) == 0; }

  std::string root_, file_;
};

TEST_F(TrustedPathTest, TakesWhatIsOurs) {
  EXPECT_EQ(trusted_file(file_).path, file_);
  EXPECT_EQ(trusted_directory(root_ + "/a/./b/../b/").path, root_ + "/a/b");
}

TEST_F(TrustedPathTest, RefusesEveryComponentThatOthersMayWrite) {
  for (const std::string& path : {root_, root_ + "/a", root_ + "/a/b", file_}) {
    const fs::perms before = fs::status(path).permissions();
    mode(path, 0777);
    EXPECT_THAT(trusted_file(file_).why, HasSubstr(path + ": mode is 0777")) << path;
    fs::permissions(path, before);
  }
  EXPECT_TRUE(trusted_file(file_).ok());
}

TEST_F(TrustedPathTest, RefusesEveryComponentOfAnotherUser) {
  for (const std::string& path : {root_, root_ + "/a", root_ + "/a/b", file_}) {
    if (!give_away(path)) return;
    EXPECT_THAT(trusted_file(file_).why, HasSubstr(path + ": belongs to uid 12345")) << path;
    ASSERT_EQ(::chown(path.c_str(), ::geteuid(), 0), 0);
  }
}

TEST_F(TrustedPathTest, AStickyDirectoryIsAsGoodAsItsEntry) {
  mode(root_ + "/a/b", 01777);
  EXPECT_TRUE(trusted_file(file_).ok());
  if (!give_away(file_)) return;
  EXPECT_FALSE(trusted_file(file_).ok());
}

TEST_F(TrustedPathTest, FollowsLinksOfItsOwnAndChecksWhatTheyLeadTo) {
  const std::string link = root_ + "/link", relative = root_ + "/a/relative";
  fs::create_symlink(root_ + "/a", link);
  fs::create_symlink("../link/b", relative);
  EXPECT_EQ(trusted_file(relative + "/file").path, file_);

  mode(root_ + "/a/b", 0777);
  EXPECT_THAT(trusted_file(relative + "/file").why, HasSubstr(root_ + "/a/b: mode"));
}

TEST_F(TrustedPathTest, RefusesALinkOfAnotherUser) {
  const std::string link = root_ + "/link";
  fs::create_symlink(file_, link);
  ASSERT_TRUE(trusted_file(link).ok());
  if (!give_away(link)) return;
  EXPECT_THAT(trusted_file(link).why, HasSubstr(link + ": belongs to uid 12345"));
}

TEST_F(TrustedPathTest, LinksInACircleEnd) {
  fs::create_symlink(root_ + "/y", root_ + "/x");
  fs::create_symlink(root_ + "/x", root_ + "/y");
  EXPECT_EQ(trusted_path(root_ + "/x").error, ELOOP);
}

TEST_F(TrustedPathTest, WhatIsNotThereIsAbsentAndNotRefused) {
  EXPECT_TRUE(trusted_file(root_ + "/a/none").absent());
  EXPECT_TRUE(trusted_file(file_ + "/none").absent());
  EXPECT_FALSE(trusted_file("").ok());
}

TEST_F(TrustedPathTest, AFileIsNoDirectoryAndTheOtherWayRound) {
  EXPECT_THAT(trusted_directory(file_).why, HasSubstr("is not a directory"));
  EXPECT_THAT(trusted_file(root_).why, HasSubstr("is not a regular file"));
}

}  // namespace
}  // namespace lcg
