// SPDX-License-Identifier: Apache-2.0
// The engine by itself: what the conformance suite (tests/conformance) cannot see from outside.
#include "plugins/storage_rocksdb/engine.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <string>
#include <vector>

#include "plugins/storage_rocksdb/engine_registry.h"
#include "plugins/storage_rocksdb/key_codec.h"
#include "plugins/storage_rocksdb/temp_dir_test.h"

namespace lcg::storage_rocksdb {
namespace {

class Sink : public CommitSink {
 public:
  void on_event(const std::string&) noexcept override {}
  void on_committed(Commit* list) noexcept override {
    const std::lock_guard lock(mutex_);
    for (Commit* c = list; c != nullptr; c = c->next) ++done_;
    changed_.notify_all();
  }
  void wait_for(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return done_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t done_ = 0;
};

struct TestCommit : Commit {
  TestCommit(Sink& to, std::string where, storage::Batch batch, uint64_t at_term = 1, uint32_t in_slot = 0) {
    partition = std::move(where);
    durable = batch.durable;
    conditional = !batch.conditions.empty();
    data = batch.encode();
    term = at_term;
    slot = in_slot;
    sink = &to;
  }
};

class EngineTest : public testing::Test {
 protected:
  std::unique_ptr<Engine> open() {
    EngineOptions options;
    options.path = dir_ / "store";
    options.queue_batches = 64;
    return Engine::open(options, error_);
  }
  static lcg_status commit(Engine& engine, storage::Batch batch, uint64_t term = 1, uint32_t slot = 0) {
    Sink sink;
    TestCommit op(sink, "p", std::move(batch), term, slot);
    EXPECT_TRUE(engine.submit(&op));
    sink.wait_for(1);
    return op.status;
  }
  static std::string get(Engine& engine, const std::string& key) {
    std::string out;
    return engine.get(Tier::kDisk, "p", "c", key, out) == ReadOutcome::kOk ? out : "(none)";
  }

  TempDir dir_;
  std::string error_;
};

TEST_F(EngineTest, StoreDirectoryIsClosedToOthers) {
  const auto engine = open();
  ASSERT_TRUE(engine) << error_;

  struct stat info {};
  ASSERT_EQ(::stat((dir_ / "store").c_str(), &info), 0);

  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(EngineTest, BatchesQueuedTogetherSeeEachOther) {
  auto engine = open();
  Sink sink;
  std::vector<std::unique_ptr<TestCommit>> chain;
  for (int i = 0; i < 50; ++i) {
    storage::Batch batch;
    if (i > 0) batch.require_equals("c", "k", std::to_string(i - 1));
    batch.put("c", "k", std::to_string(i));
    chain.push_back(std::make_unique<TestCommit>(sink, "p", std::move(batch)));
  }

  for (const auto& op : chain) ASSERT_TRUE(engine->submit(op.get()));
  sink.wait_for(chain.size());

  for (const auto& op : chain) EXPECT_EQ(op->status, LCG_OK) << op->message;
  EXPECT_EQ(get(*engine, "k"), "49");
}

TEST_F(EngineTest, ARefusedBatchOfAGroupLeavesNoTraceForTheNext) {
  auto engine = open();
  Sink sink;
  TestCommit first(sink, "p", storage::Batch().put("c", "k", "1"));
  TestCommit refused(sink, "p",
                     storage::Batch().require_absent("c", "k").put("c", "k", "2").put("c", "x", "2"));
  TestCommit erases(sink, "p",
                    storage::Batch().require_equals("c", "k", "1").require_absent("c", "x").erase("c", "k"));
  TestCommit last(sink, "p", storage::Batch().require_absent("c", "k").put("c", "k", "3"));

  for (Commit* op : std::initializer_list<Commit*>{&first, &refused, &erases, &last})
    ASSERT_TRUE(engine->submit(op));
  sink.wait_for(4);

  EXPECT_EQ(refused.status, LCG_E_CONFLICT);
  EXPECT_EQ(erases.status, LCG_OK) << erases.message;
  EXPECT_EQ(last.status, LCG_OK) << last.message;
  EXPECT_EQ(get(*engine, "k"), "3");
}

TEST_F(EngineTest, FencingTermSurvivesReopen) {
  auto engine = open();
  ASSERT_EQ(commit(*engine, storage::Batch().put("c", "k", "new"), 7, 3), LCG_OK);
  engine.reset();

  engine = open();

  EXPECT_EQ(commit(*engine, storage::Batch().put("c", "k", "old"), 6, 3), LCG_E_FENCED);
  EXPECT_EQ(commit(*engine, storage::Batch().put("c", "k", "other slot"), 6, 4), LCG_OK);
}

TEST_F(EngineTest, ANewerTermCountsEvenWhenItsBatchConflicts) {
  auto engine = open();
  ASSERT_EQ(commit(*engine, storage::Batch().require_present("c", "none"), 7), LCG_E_CONFLICT);

  EXPECT_EQ(commit(*engine, storage::Batch().put("c", "k", "old"), 6), LCG_E_FENCED);
}

TEST_F(EngineTest, QueueRefusesBatchesBeyondItsLimit) {
  auto engine = open();
  Sink sink;
  std::vector<std::unique_ptr<TestCommit>> ops;
  size_t taken = 0;
  bool refused = false;

  // More than the limit at once: the thread may drain some meanwhile, never 100 times the limit between two
  // pushes.
  while (!refused && ops.size() < 6400) {
    ops.push_back(
        std::make_unique<TestCommit>(sink, "p", storage::Batch().put("c", "k", std::string(1000, 'x'))));
    refused = !engine->submit(ops.back().get());
    taken += refused ? 0 : 1;
  }
  sink.wait_for(taken);

  EXPECT_TRUE(refused);
  EXPECT_EQ(commit(*engine, storage::Batch().put("c", "k", "later")), LCG_OK);
}

TEST_F(EngineTest, WhatIsOnDiskOnlyIsNotReadInTheMemoryTier) {
  auto engine = open();
  for (int i = 0; i < 200; ++i)
    ASSERT_EQ(commit(*engine, storage::Batch().put("c", std::to_string(i), std::string(1000, 'v'))), LCG_OK);
  engine.reset();
  engine = open();  // writes the log out into a table
  std::string out;

  EXPECT_EQ(engine->get(Tier::kMemory, "p", "c", "7", out), ReadOutcome::kWouldBlock);
  EXPECT_EQ(engine->get(Tier::kDisk, "p", "c", "7", out), ReadOutcome::kOk);
  EXPECT_EQ(engine->get(Tier::kMemory, "p", "c", "7", out), ReadOutcome::kOk);
}

TEST_F(EngineTest, LongScanLeavesTheLane) {
  auto engine = open();
  storage::Batch batch;
  for (int i = 0; i < 500; ++i) batch.put("c", storage::key_u64(static_cast<uint64_t>(i)), "v");
  ASSERT_EQ(commit(*engine, std::move(batch)), LCG_OK);
  std::string out;

  EXPECT_EQ(engine->scan(Tier::kMemory, "p", {"c", "", "", 100, false}, out), ReadOutcome::kOk);
  EXPECT_EQ(engine->scan(Tier::kMemory, "p", {"c", "", "", 500, false}, out), ReadOutcome::kWouldBlock);
  EXPECT_EQ(engine->scan(Tier::kDisk, "p", {"c", "", "", 500, false}, out), ReadOutcome::kOk);
}

TEST_F(EngineTest, ANewerFormatIsRefused) {
  {
    std::filesystem::create_directory(dir_ / "store");
    rocksdb::DB* db = nullptr;
    rocksdb::Options options;
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir_ / "store", &db).ok());
    db->Put({}, rocksdb::Slice(kFormatKey.data(), kFormatKey.size()), "lcg-storage 2");
    delete db;
  }

  EXPECT_FALSE(open());
  EXPECT_NE(error_.find("format 2, this version reads up to 1"), std::string::npos) << error_;
}

TEST_F(EngineTest, AForeignDatabaseIsRefused) {
  {
    std::filesystem::create_directory(dir_ / "store");
    rocksdb::DB* db = nullptr;
    rocksdb::Options options;
    options.create_if_missing = true;
    ASSERT_TRUE(rocksdb::DB::Open(options, dir_ / "store", &db).ok());
    db->Put({}, "somebody", "else");
    delete db;
  }

  EXPECT_FALSE(open());
  EXPECT_NE(error_.find("not an lcg store"), std::string::npos) << error_;
}

TEST_F(EngineTest, ASecondOpenOfTheSamePathIsRefused) {
  const auto engine = open();

  EXPECT_FALSE(open());
  EXPECT_NE(error_.find("is another lcg running"), std::string::npos) << error_;
}

std::string file_of(const std::string& directory, const std::string& extension) {
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.path().extension() == extension) return entry.path().string();
  return {};
}

void flip_byte(const std::string& file, std::streamoff at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(at);
  const char byte = static_cast<char>(stream.get() ^ 0x40);
  stream.seekp(at);
  stream.put(byte);
}

TEST_F(EngineTest, AFlippedBitInADataFileIsRefusedAndNothingIsDeleted) {
  auto engine = open();
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(commit(*engine, storage::Batch().put("c", std::to_string(i), std::string(1000, 'v'))), LCG_OK);
  engine.reset();
  engine = open();  // writes the log out into a table
  engine.reset();
  const std::string file = file_of(dir_ / "store", ".sst");
  ASSERT_FALSE(file.empty());
  flip_byte(file, 40);

  engine = open();
  if (engine) {
    std::string out;
    EXPECT_EQ(engine->get(Tier::kDisk, "p", "c", "7", out), ReadOutcome::kFailed);
    EXPECT_EQ(commit(*engine, storage::Batch().put("c", "k", "v")), LCG_E_UNAVAILABLE);
  }

  EXPECT_TRUE(std::filesystem::exists(file));
}

TEST(EngineRegistry, LeasesOfOnePathShareOneEngine) {
  TempDir dir;
  EngineOptions options;
  options.path = dir / "store";
  std::string error;

  EngineLease first = EngineLease::acquire(options, error);
  EngineLease second = EngineLease::acquire(options, error);
  EXPECT_EQ(first.get(), second.get());
  first.release();
  second.release();
  EngineLease again = EngineLease::acquire(options, error);

  EXPECT_TRUE(again) << error;
}

// Files of the store that have `text`.
size_t files_with(const std::string& path, const std::string& text) {
  size_t found = 0;
  for (const auto& file : std::filesystem::directory_iterator(path)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    found += all.find(text) == std::string::npos ? 0u : 1u;
  }
  return found;
}

TEST_F(EngineTest, OneScrubGoesOnAtATime) {
  const std::unique_ptr<Engine> engine = open();
  Scrubber& scrubber = engine->scrubber();
  const auto first = scrubber.join({"a"});
  ASSERT_TRUE(scrubber.begin(first));
  const auto second = scrubber.join({"b"});

  EXPECT_NE(first, second);  // it began without "b"
  EXPECT_FALSE(scrubber.begin(second));
  scrubber.give_back(first);
  EXPECT_TRUE(scrubber.begin(second));
  scrubber.run(second);
  EXPECT_TRUE(second->over());
  EXPECT_TRUE(scrubber.begin(first));
}

TEST_F(EngineTest, WhatWasScrubbedIsInNoFile) {
  const std::unique_ptr<Engine> engine = open();
  const auto write = [&](const std::string& value) {
    storage::Batch batch;
    batch.put("c", "k", value).put("c", "l", value).put("c", "z", "other");
    ASSERT_EQ(commit(*engine, std::move(batch)), LCG_OK);
  };
  const auto scrub = [&](const std::vector<std::string>& keys) {
    Scrubber& scrubber = engine->scrubber();
    std::vector<std::shared_ptr<Scrubber::Run>> runs;
    for (const std::string& key : keys) runs.push_back(scrubber.join({partition_prefix("c", "p") + key}));
    for (const auto& run : runs)
      if (scrubber.begin(run)) scrubber.run(run);
    for (const auto& run : runs) ASSERT_TRUE(run->over());
    EXPECT_EQ(runs.front(), runs.back());  // what comes together is one run
    EXPECT_EQ(runs.front()->failure(), "");
  };
  write("MARKER");
  scrub({"k"});  // into a table at the bottom
  write("MARKER");
  EXPECT_GE(files_with(dir_ / "store", "MARKER"), 2u);
  write("gone");

  scrub({"k", "l"});

  // RocksDB deletes what it has replaced on a thread of its own.
  for (int i = 0; i < 1000 && files_with(dir_ / "store", "MARKER") > 0; ++i) ::usleep(10'000);
  EXPECT_EQ(files_with(dir_ / "store", "MARKER"), 0u);
  std::string value;
  EXPECT_EQ(engine->get(Tier::kDisk, "p", "c", "z", value), ReadOutcome::kOk);
  EXPECT_EQ(value, "other");
}

}  // namespace
}  // namespace lcg::storage_rocksdb
