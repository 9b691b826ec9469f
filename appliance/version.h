// The version this build reports, from the project() line of CMakeLists.txt.
#pragma once

namespace lcg {

inline constexpr const char* kVersion = LCG_VERSION;

}  // namespace lcg
