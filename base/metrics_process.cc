// What Prometheus clients report of every process.
#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/metrics.h"

namespace lcg::metrics {
namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0;
  uint64_t pages = 0;
  if (!(file >> size >> pages)) return 0;
  return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  double count = -3;  // ".", ".." and the folder itself
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

double descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void add_process_metrics(Registry& registry) {
  registry.counter_from("process_cpu_seconds_total", "User and system CPU time spent.", {}, cpu_seconds);
  registry.gauge_from("process_resident_memory_bytes", "Resident memory.", {}, resident_bytes);
  registry.gauge_from("process_open_fds", "Open file descriptors.", {}, open_descriptors);
  registry.gauge_from("process_max_fds", "Limit of open file descriptors.", {}, descriptor_limit);
  double started = static_cast<double>(system_clock().wall_ms()) * 1e-3;
  registry.gauge_from("process_start_time_seconds", "Start, in Unix time.", {},
                      [started] { return started; });
}

}  // namespace lcg::metrics
