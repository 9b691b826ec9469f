// SPDX-License-Identifier: Apache-2.0
#include "lcg/trusted_path.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>

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
  // False, and said: only root can give a file away.
  static bool give_away(const std::string& path) {
    if (::lchown(path.c_str(), kStranger, 0) == 0) return true;
    std::cout << "[ NOT RUN  ] the rest of this test, which gives " << path << " away: that needs root\n";
    return false;
  }

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

std::string only_account(std::string accounts, gid_t group, uid_t owner) {
  std::FILE* const file = ::fmemopen(accounts.data(), accounts.size(), "r");
  const std::string out = detail::only_account_of(group, owner, file);
  std::fclose(file);
  return out;
}

TEST_F(TrustedPathTest, AGroupIsPrivateWhenNoOtherAccountHasIt) {
  const std::string two = "ann:x:1000:1000::/home/ann:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\n";
  EXPECT_EQ(only_account(two, 1000, 1000), "ann");
  EXPECT_EQ(only_account(two, 1001, 1000), "");
  EXPECT_EQ(only_account(two, 1002, 1002), "");
  EXPECT_EQ(only_account(two + "eve:x:1002:1000::/home/eve:/bin/sh\n", 1000, 1000), "");
}

// user::rwx user:12345:rwx group::r-x mask::rwx other::r-x, as Linux keeps it.
bool give_access_list(const std::string& path) {
  struct Entry {
    uint16_t tag, bits;
    uint32_t id;
  };
  struct {
    uint32_t version = 2;
    Entry entries[5] = {{1, 7, ~0u}, {2, 7, kStranger}, {4, 5, ~0u}, {16, 7, ~0u}, {32, 5, ~0u}};
  } list;
  return ::setxattr(path.c_str(), "system.posix_acl_access", &list, sizeof list, 0) == 0;
}

// Runs as `user` when this is root, else as who runs the test. True: `check` was.
bool holds_as(uid_t user, const std::function<bool()>& check) {
  if (::geteuid() != 0) return check();
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(::setgroups(0, nullptr) == 0 && ::setgid(user) == 0 && ::setuid(user) == 0 && check() ? 0 : 1);
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST_F(TrustedPathTest, AGroupOfOnesOwnMayWriteUnlessAnAccessListNamesOthers) {
  const uid_t user = ::geteuid() == 0 ? 1 : ::geteuid();  // 1: daemon, in a group of its own everywhere
  if (!detail::is_private_group(user, user)) {
    std::cout << "[ NOT RUN  ] uid " << user << " has no group of its own\n";
    return;
  }
  for (const std::string& path : {root_, root_ + "/a", root_ + "/a/b", file_})
    ASSERT_EQ(::chown(path.c_str(), user, user), 0);
  mode(root_ + "/a/b", 0775);
  EXPECT_TRUE(holds_as(user, [this] { return trusted_file(file_).ok(); }));

  if (!give_access_list(root_ + "/a/b")) {
    std::cout << "[ NOT RUN  ] the rest of this test: " << root_
              << " is on a file system without access lists\n";
    return;
  }
  EXPECT_TRUE(holds_as(user, [this] {
    const std::string why = trusted_file(file_).why;
    return why.find(root_ + "/a/b: mode is 0775") == 0;
  }));
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
