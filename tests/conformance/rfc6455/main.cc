// Runs the cases and tells how many there are.
#include <cstdio>

#include "tests/conformance/rfc6455/harness.h"

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int failed = RUN_ALL_TESTS();
  lcg::conformance::stop_servers();
  std::printf("rfc6455: %d of %d cases passed\n", testing::UnitTest::GetInstance()->successful_test_count(),
              testing::UnitTest::GetInstance()->test_to_run_count());
  return failed;
}
