// How the daemon ends, so that a supervisor and a script can tell why (sysexits.h).
#pragma once

namespace lcg::exit_code {

inline constexpr int kOk = 0;
inline constexpr int kUsage = 64;        // command line
inline constexpr int kNoConfig = 66;     // the configuration file cannot be read
inline constexpr int kUnavailable = 69;  // a port is taken, a plugin or the store did not start
inline constexpr int kSoftware = 70;     // did not stop in time
inline constexpr int kConfig = 78;       // the configuration is wrong

}  // namespace lcg::exit_code
