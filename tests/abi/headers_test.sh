#!/usr/bin/env bash
# headers_test.sh INCLUDE_DIR: every SDK header compiles alone, in each language and with each compiler it promises.
set -u
include=$1
failed=0 passed=0
check() {  # check NAME COMMAND...: COMMAND reads a translation unit from stdin
  local name=$1
  shift
  if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $name: $*"; fi
}
warnings="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Werror -fsyntax-only -I$include"

for compiler in gcc clang-14; do
  command -v $compiler > /dev/null || continue
  check "C11 with $compiler" $compiler -std=c11 $warnings -x c - <<< '#include "lcg/lcg_plugin.h"'
done
for compiler in g++ clang++-14; do
  command -v $compiler > /dev/null || continue
  check "C header in C++ with $compiler" $compiler -std=c++20 $warnings -x c++ - <<< '#include "lcg/lcg_plugin.h"'
done
for header in $(cd "$include" && find lcg -name '*.hpp' -not -path '*/detail/*' | sort); do
  check "$header alone" g++ -std=c++20 $warnings -x c++ - <<< "#include \"$header\""
  all="${all:-}#include \"$header\""$'\n'
done
if command -v clang++-14 > /dev/null; then
  check "all headers together with clang++-14" clang++-14 -std=c++20 $warnings -x c++ - <<< "$all"
fi
lines=$(wc -l < "$include/lcg/lcg_plugin.h")
check "lcg_plugin.h has fewer than 250 lines, found $lines" test "$lines" -lt 250
check "lcg_plugin.h includes stddef.h and stdint.h only" \
  test "$(grep -c '^#include' "$include/lcg/lcg_plugin.h")" = 2

echo "$passed passed, $failed failed"
exit $((failed > 0))
