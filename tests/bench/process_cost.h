// What a process has used so far, read from /proc.
#pragma once
#include <dirent.h>
#include <time.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace lcg::bench {

inline int64_t now_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

// CPU time of every thread of `pid`, ns (schedstat: first field is time on the CPU).
inline int64_t cpu_ns(int pid) {
  int64_t sum = 0;
  const std::string path = "/proc/" + std::to_string(pid) + "/task";
  if (DIR* dir = opendir(path.c_str())) {
    while (const dirent* entry = readdir(dir)) {
      if (entry->d_name[0] == '.') continue;
      std::ifstream in(path + "/" + entry->d_name + "/schedstat");
      int64_t on_cpu = 0;
      in >> on_cpu;
      sum += on_cpu;
    }
    closedir(dir);
  }
  return sum;
}

inline int64_t pss_bytes(int pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string line;
  while (std::getline(in, line))
    if (line.rfind("Pss:", 0) == 0) return std::atoll(line.c_str() + 4) * 1024;
  return 0;
}

}  // namespace lcg::bench
