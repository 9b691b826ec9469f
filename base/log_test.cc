#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "base/json_reader.h"

namespace lcg::log {
namespace {

std::string logfmt(std::string_view event, Fields fields) {
  return format_line(Format::kLogfmt, 1'704'067'200'123, Level::kInfo, event, fields);
}

TEST(Log, LogfmtQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(logfmt("session closed", {{"code", 3008}, {"ok", true}, {"by", "peer"}, {"why", "too slow"}}),
            "ts=2024-01-01T00:00:00.123Z level=info event=\"session closed\" code=3008 ok=true by=peer "
            "why=\"too slow\"");
}

TEST(Log, JsonIsOneValidObject) {
  std::string line = format_line(Format::kJson, 1'704'067'200'123, Level::kWarn, "a b",
                                 {{"n", -1}, {"u", uint64_t{1} << 63}, {"d", 0.5}, {"t", "x\"y"}});

  EXPECT_TRUE(validate_json(line)) << line;
  EXPECT_EQ(line,
            R"({"ts":"2024-01-01T00:00:00.123Z","level":"warn","event":"a b","n":-1,"u":9223372036854775808,)"
            R"("d":0.5,"t":"x\"y"})");
}

TEST(Log, NoValueCanForgeALine) {
  std::string line = logfmt("e", {{"v", "a\nlevel=error\r\x1b[2J\u2028\u0085\x7f"}});

  EXPECT_EQ(line.substr(line.find(" v=")), R"( v="a\nlevel=error\u000d\u001b[2J\u2028\u0085\u007f")");
}

TEST(Log, NoValueTurnsOrHidesWhatIsRead) {
  std::string line = logfmt("e", {{"v", "a\u202eb\u200b\u2066\ufeff\U000e0041c"}});

  EXPECT_EQ(line.substr(line.find(" v=")), R"( v="a\u202eb\u200b\u2066\ufeff\udb40\udc41c")");
}

TEST(Log, InvalidUtf8IsReplaced) {
  std::string line = format_line(Format::kJson, 0, Level::kInfo, "e", {{"v", "a\xFF"}});

  EXPECT_TRUE(validate_json(line));
  EXPECT_NE(line.find("a\uFFFD"), std::string::npos);
}

TEST(Log, LongValuesAreCutBetweenCharacters) {
  std::string line = logfmt("e", {{"v", std::string(kMaxValue - 1, 'x') + "\u20ac and more"}});

  EXPECT_LT(line.size(), kMaxValue + 100);
  EXPECT_TRUE(line.ends_with("x...\"")) << line.substr(line.size() - 20);
}

class LogToPipe : public ::testing::Test {
 protected:
  LogToPipe() {
    EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
    set_fd(pipe_[1]);
  }
  ~LogToPipe() override {
    set_fd(STDERR_FILENO);
    set_level(Level::kInfo);
    ::close(pipe_[0]);
    if (pipe_[1] >= 0) ::close(pipe_[1]);
  }
  std::string written() {
    ::close(pipe_[1]);
    pipe_[1] = -1;
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::read(pipe_[0], buffer, sizeof(buffer))) > 0;)
      all.append(buffer, static_cast<size_t>(n));
    return all;
  }
  int pipe_[2];
};

TEST_F(LogToPipe, LevelsBelowTheFilterAreSilent) {
  set_level(Level::kWarn);
  info("quiet");
  warn("loud");
  set_level(Level::kDebug);
  debug("chatty");

  std::string all = written();
  EXPECT_EQ(all.find("quiet"), std::string::npos);
  EXPECT_NE(all.find("event=loud\n"), std::string::npos);
  EXPECT_NE(all.find("event=chatty\n"), std::string::npos);
}

TEST_F(LogToPipe, StoppingTheWriterWritesWhatIsQueuedInOrder) {
  start_writer();
  for (int i = 0; i < 100; ++i) info("line", {{"n", i}});
  stop_writer();

  std::string all = written();
  size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = all.find("n=" + std::to_string(i) + "\n", at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST_F(LogToPipe, AStalledReaderDropsLinesAndNeverBlocksTheCaller) {
  start_writer();
  std::string big(kMaxValue, 'x');
  for (size_t queued = 0; queued < kQueueBytes + (2 << 20); queued += kMaxValue) info("big", {{"v", big}});

  std::string all;
  char buffer[65536];
  while (all.find("log lines dropped") == std::string::npos) {
    ssize_t n = ::read(pipe_[0], buffer, sizeof(buffer));
    ASSERT_GT(n, 0);
    all.append(buffer, static_cast<size_t>(n));
  }
  stop_writer();
}

}  // namespace
}  // namespace lcg::log
