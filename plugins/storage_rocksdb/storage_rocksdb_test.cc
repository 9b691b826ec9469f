// SPDX-License-Identifier: Apache-2.0
// The storage conformance suite on the real plugin and on the SDK's in-memory stand-in, which must not
// differ.
#include <filesystem>

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
