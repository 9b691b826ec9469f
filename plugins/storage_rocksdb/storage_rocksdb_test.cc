// SPDX-License-Identifier: Apache-2.0
// The storage conformance suite on the real plugin and on the SDK's in-memory stand-in, which must not
// differ.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "plugins/storage_rocksdb/temp_dir_test.h"
#include "tests/conformance/storage_suite.h"

LCG_DECLARE_PLUGIN(storage_rocksdb);

namespace lcg::test {
namespace {

class RocksDbRig final : public StorageRig {
 public:
  RocksDbRig() : host_(options()) { load(); }
  testing::FakeHost& host() override { return host_; }
  void reopen() override {
    host_.stop();
    load();
  }

 private:
  static testing::Options options() {
    testing::Options options;
    options.real_wait_ms = 5000;  // for the commit thread
    return options;
  }
  void load() {
    host_.load(lcg_plugin_descriptor_storage_rocksdb(), {{"path", dir_ / "store"}, {"write_buffer", "8MiB"}},
               3);
  }

  storage_rocksdb::TempDir dir_;
  testing::FakeHost host_;
};

class FakeRig final : public StorageRig {
 public:
  testing::FakeHost& host() override { return host_; }
  void reopen() override { host_.restart(); }

 private:
  testing::FakeHost host_;
};

std::unique_ptr<StorageRig> make_rocksdb_rig() { return std::make_unique<RocksDbRig>(); }
std::unique_ptr<StorageRig> make_fake_rig() { return std::make_unique<FakeRig>(); }

INSTANTIATE_TEST_SUITE_P(RocksDb, StorageSuite, ::testing::Values(&make_rocksdb_rig));
INSTANTIATE_TEST_SUITE_P(Fake, StorageSuite, ::testing::Values(&make_fake_rig));

TEST(StorageRocksDb, AStoreWithoutAPathIsRefused) {
  testing::FakeHost host;
  EXPECT_THROW(host.load(lcg_plugin_descriptor_storage_rocksdb(), {{"path", ""}}), testing::PluginError);
  EXPECT_THROW(host.load(lcg_plugin_descriptor_storage_rocksdb(), {}), testing::PluginError);
}

std::string why_not_started(const std::string& path) {
  testing::FakeHost host;
  try {
    host.load(lcg_plugin_descriptor_storage_rocksdb(), {{"path", path}});
    return "";
  } catch (const testing::PluginError& e) {
    return e.what();
  }
}

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

TEST(StorageRocksDb, AStoreThatOthersCouldReadIsTightened) {
  storage_rocksdb::TempDir dir;
  const std::string store = dir / "store";
  ASSERT_EQ(why_not_started(store), "");
  ASSERT_EQ(::chmod(store.c_str(), 0755), 0);
  for (const auto& entry : std::filesystem::directory_iterator(store))
    ASSERT_EQ(::chmod(entry.path().c_str(), 0644), 0);

  ASSERT_EQ(why_not_started(store), "");

  EXPECT_EQ(mode_of(store), 0700u);
  EXPECT_EQ(mode_of(store + "/IDENTITY") & 077, 0u);  // what RocksDB makes anew is the umask's to say
}

TEST(StorageRocksDb, AStoreOfAnotherUserIsRefused) {
  storage_rocksdb::TempDir dir;
  std::string store = "/usr";  // root's; root itself can give a directory away
  if (::geteuid() == 0) {
    store = dir / "store";
    ASSERT_EQ(::mkdir(store.c_str(), 0700), 0);
    ASSERT_EQ(::chown(store.c_str(), 12345, 0), 0);
  }
  EXPECT_THAT(why_not_started(store), ::testing::HasSubstr("belongs to uid "));
}

// Each thing in the directory with its mode, and the directory's.
std::string modes_of(const std::string& path) {
  std::string out = std::to_string(mode_of(path));
  for (const auto& entry : std::filesystem::directory_iterator(path))
    out += " " + entry.path().filename().string() + "=" + std::to_string(mode_of(entry.path()));
  return out;
}

TEST(StorageRocksDb, ADirectoryOfOtherThingsIsRefusedAndStaysAsItIs) {
  storage_rocksdb::TempDir dir;
  const std::string home = dir / "home";
  ASSERT_EQ(::mkdir(home.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(home.c_str(), 0755), 0);
  std::ofstream(home + "/notes.txt") << "x";
  std::ofstream(home + "/000001.log") << "x";
  for (const char* name : {"/notes.txt", "/000001.log"}) ASSERT_EQ(::chmod((home + name).c_str(), 0644), 0);
  const std::string before = modes_of(home);

  EXPECT_THAT(why_not_started(home), ::testing::HasSubstr("holds \"notes.txt\" and no store"));
  EXPECT_THAT(why_not_started(home + "/"), ::testing::HasSubstr("no store"));
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(home);
  EXPECT_THAT(why_not_started("."), ::testing::HasSubstr("no store"));
  std::filesystem::current_path(here);

  EXPECT_EQ(modes_of(home), before);
}

TEST(StorageRocksDb, ADirectoryForEverybodyIsRefusedAndStaysAsItIs) {
  storage_rocksdb::TempDir dir;
  const std::string shared = dir / "tmp";
  ASSERT_EQ(::mkdir(shared.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(shared.c_str(), 01777), 0);
  std::ofstream(shared + "/CURRENT") << "x";

  EXPECT_THAT(why_not_started(shared), ::testing::HasSubstr("for everybody (mode 1777)"));
  EXPECT_EQ(mode_of(shared), 01777u);
}

TEST(StorageRocksDb, OnlyRocksDbsOwnFilesAreTightened) {
  storage_rocksdb::TempDir dir;
  const std::string store = dir / "store";
  ASSERT_EQ(why_not_started(store), "");
  std::ofstream(store + "/notes.txt") << "x";
  for (const char* name : {"/notes.txt", "/IDENTITY"}) ASSERT_EQ(::chmod((store + name).c_str(), 0644), 0);

  ASSERT_EQ(why_not_started(store), "");

  EXPECT_EQ(mode_of(store + "/notes.txt"), 0644u);
  EXPECT_EQ(mode_of(store + "/IDENTITY"), 0600u);
}

TEST(StorageRocksDb, WhatIsNotSafeIsNotTightenedFirst) {
  storage_rocksdb::TempDir dir;
  ASSERT_EQ(::chmod((dir / "").c_str(), 0777), 0);
  const std::string store = dir / "store";
  ASSERT_EQ(::mkdir(store.c_str(), 0755), 0);
  ASSERT_EQ(::chmod(store.c_str(), 0755), 0);

  EXPECT_THAT(why_not_started(store), ::testing::HasSubstr("mode is 0777"));
  EXPECT_EQ(mode_of(store), 0755u);
}

TEST(StorageRocksDb, AStoreBelowADirectoryThatOthersMayWriteIsRefused) {
  storage_rocksdb::TempDir dir;
  ASSERT_EQ(::chmod((dir / "").c_str(), 0777), 0);
  EXPECT_THAT(why_not_started(dir / "store"), ::testing::HasSubstr("mode is 0777"));
}

TEST(StorageRocksDb, AStoreThatCannotBeOpenedIsNamedInTheRefusal) {
  storage_rocksdb::TempDir dir;
  std::filesystem::create_symlink("/nowhere/at/all", dir / "store");
  testing::FakeHost host;

  try {
    host.load(lcg_plugin_descriptor_storage_rocksdb(), {{"path", dir / "store"}});
    FAIL() << "it started";
  } catch (const testing::PluginError& e) {
    EXPECT_THAT(e.what(), ::testing::HasSubstr("/store"));
  }
}

}  // namespace
}  // namespace lcg::test
