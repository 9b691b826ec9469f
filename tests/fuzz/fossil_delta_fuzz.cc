// Fossil deltas against any bytes. The first byte says where the source ends in the rest: what is made of the two
// halves must make the target again and keep UTF-8; and the second half is taken for a delta of the first.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/utf8.h"
#include "broker/channel/fossil_delta.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

constexpr size_t kMaxTarget = 1u << 16;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = text.size() * data[0] / 255;
  const std::string_view source = text.substr(0, cut), target = text.substr(cut);

  static lcg::broker::DeltaMaker maker;
  std::string delta;
  if (maker.make(source, target, delta)) {
    check(delta.size() < target.size());
    check(lcg::broker::apply_fossil_delta(source, delta, target.size()) == target);
    check(!lcg::valid_utf8(source) || !lcg::valid_utf8(target) || lcg::valid_utf8(delta));
  }
  const auto made = lcg::broker::apply_fossil_delta(source, target, kMaxTarget);
  check(!made || made->size() <= kMaxTarget);
  return 0;
}
