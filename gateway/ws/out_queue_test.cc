#include "gateway/ws/out_queue.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/ws/frame.h"

namespace lcg::ws {
namespace {

SharedBytes frames(std::initializer_list<std::string> payloads) {
  std::string bytes;
  for (const std::string& payload : payloads) {
    const size_t at = bytes.size();
    bytes.resize(at + frame_size(payload.size()));
    write_frame(bytes.data() + at, Opcode::kText, payload);
  }
  return SharedBytes(bytes);
}

std::string all(const OutQueue& queue) {
  iovec buffers[64];
  std::string out;
  for (size_t i = 0, n = queue.gather(buffers); i < n; ++i) {
    out.append(static_cast<const char*>(buffers[i].iov_base), buffers[i].iov_len);
  }
  return out;
}

TEST(OutQueue, GathersFromTheFirstUnsentByte) {
  OutQueue queue;
  queue.push(SharedBytes("abcdef"), 2);
  queue.push(SharedBytes("ghi"));

  EXPECT_EQ(queue.bytes(), 7u);
  EXPECT_EQ(all(queue), "cdefghi");
}

TEST(OutQueue, GathersNoMoreThanTheBuffersGiven) {
  OutQueue queue;
  for (int i = 0; i < 5; ++i) queue.push(SharedBytes("x"));
  iovec buffers[3];

  EXPECT_EQ(queue.gather(buffers), 3u);
}

TEST(OutQueue, EveryWayToConsumeKeepsTheRest) {
  const std::string whole = "abcdefghij";
  for (size_t first = 0; first <= whole.size(); ++first) {
    OutQueue queue;
    queue.push(SharedBytes("abc"));
    queue.push(SharedBytes("d"));
    queue.push(SharedBytes("efghij"));

    queue.consume(first);

    EXPECT_EQ(all(queue), whole.substr(first)) << first;
    EXPECT_EQ(queue.bytes(), whole.size() - first);
    EXPECT_EQ(queue.empty(), first == whole.size());
  }
}

TEST(OutQueue, OrderHoldsWhileBlocksComeAndGo) {
  OutQueue queue;
  std::string expected, seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string block = std::to_string(i) + ",";
    queue.push(SharedBytes(block));
    expected += block;
    if (i % 3 == 2) {
      seen += all(queue).substr(0, 5);
      queue.consume(std::min<size_t>(5, queue.bytes()));
    }
  }
  while (!queue.empty()) {
    const std::string front = all(queue);
    seen += front;
    queue.consume(front.size());
  }

  EXPECT_EQ(seen, expected);
}

TEST(OutQueue, DropKeepsOnlyTheRestOfTheFrameBegun) {
  OutQueue queue;
  queue.push(frames({"first", "second", "third"}), 7 + 3);  // "first" is sent, "second" begun
  queue.push(frames({"fourth"}));

  queue.drop_unsent_frames();

  EXPECT_EQ(all(queue), "econd");
}

TEST(OutQueue, DropBetweenFramesKeepsNothing) {
  OutQueue queue;
  queue.push(frames({"first", "second"}), 7);

  queue.drop_unsent_frames();

  EXPECT_TRUE(queue.empty());
}

TEST(OutQueue, DropInsideALaterBlockFindsItsFrame) {
  OutQueue queue;
  queue.push(frames({"one"}), 1);
  queue.push(frames({"two", std::string(300, 'x')}));
  queue.consume(4 + 5 + 100);

  queue.drop_unsent_frames();

  EXPECT_EQ(queue.bytes(), 304u - 100u);
}

}  // namespace
}  // namespace lcg::ws
