// Outcome: what every answer of the broker begins with.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/api/codes.h"

namespace lcg {

// Every answer begins with these two: at most one of them is set.
struct Outcome {
  Error error;
  Disconnect disconnect;
  bool ok() const { return !error && !disconnect; }
};

}  // namespace lcg
