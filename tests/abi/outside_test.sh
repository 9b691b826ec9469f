#!/usr/bin/env bash
# outside_test.sh BUILD_DIR CXX_FLAGS: installs the SDK into an empty place and builds the examples against it, as an
# author would who has nothing of this tree.
set -eu
build=$1 flags=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component sdk --prefix "$work/sdk" > "$work/log" || { cat "$work/log"; exit 1; }
cp -r "$work/sdk/share/lcg/examples" "$work/examples"
cmake -S "$work/examples" -B "$work/out" -DCMAKE_PREFIX_PATH="$work/sdk" -DCMAKE_C_FLAGS="$flags" -DCMAKE_CXX_FLAGS="$flags"
cmake --build "$work/out"
ctest --test-dir "$work/out" --output-on-failure
test -f "$work/out/echo.so" && test -f "$work/out/echo_c.so"
