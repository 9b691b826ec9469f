// SPDX-License-Identifier: Apache-2.0
// kill -9 under load, again and again on one store: what was acknowledged is there, and nothing is there by
// half.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "plugins/storage_rocksdb/engine.h"
#include "plugins/storage_rocksdb/temp_dir_test.h"

namespace lcg::storage_rocksdb {
namespace {

// Runs crash_child until it has acknowledged `enough`, kills it, and returns every number it acknowledged.
std::vector<uint64_t> run_and_kill(const std::string& directory, uint64_t first, size_t enough) {
  int out[2];
  EXPECT_EQ(::pipe(out), 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, out[0]);
  std::string program = LCG_CRASH_CHILD, path = directory, number = std::to_string(first);
  char* const arguments[] = {program.data(), path.data(), number.data(), nullptr};
  pid_t child = 0;
  EXPECT_EQ(::posix_spawn(&child, LCG_CRASH_CHILD, &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);

  std::string text;
  char buffer[4096];
  bool killed = false;
  for (ssize_t n; (n = ::read(out[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(n));
    if (!killed && static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) >= enough) {
      ::kill(child, SIGKILL);
      killed = true;  // what it had written by then is still in the pipe
    }
  }
  ::close(out[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the child ended by itself";

  text.erase(text.rfind('\n') + 1);  // a line cut short by the kill
  std::vector<uint64_t> numbers;
  std::istringstream lines(text);
  for (uint64_t n; lines >> n;) numbers.push_back(n);
  return numbers;
}

TEST(StorageCrash, EveryAcknowledgedCommitSurvivesKill9AndNoneIsThereByHalf) {
  const TempDir dir;
  std::vector<uint64_t> acknowledged;
  uint64_t next = 0;

  for (const size_t enough : {1u, 50u, 500u, 3000u, 20u}) {
    const std::vector<uint64_t> more = run_and_kill(dir / "store", next, enough);
    ASSERT_GE(more.size(), enough);
    acknowledged.insert(acknowledged.end(), more.begin(), more.end());
    next = *std::max_element(more.begin(), more.end()) + 1000;

    EngineOptions options;
    options.path = dir / "store";
    std::string error;
    const auto engine = Engine::open(options, error);
    ASSERT_TRUE(engine) << error;
    const auto has = [&](const char* collection, uint64_t n) {
      std::string out;
      return engine->get(Tier::kDisk, std::to_string(n % 7), collection, storage::key_u64(n), out) ==
             ReadOutcome::kOk;
    };
    for (const uint64_t n : acknowledged) ASSERT_TRUE(has("a", n)) << n;
    for (uint64_t n = 0; n < next; ++n) ASSERT_EQ(has("a", n), has("b", n)) << n;
  }
}

}  // namespace
}  // namespace lcg::storage_rocksdb
