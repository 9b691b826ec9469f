#!/usr/bin/env bash
# Installs what the build and the tests need, from Debian 12 and from npm's lock file. Quick when all is there.
# Usage: packaging/deps.sh [build|test]     build: compiler and libraries; test (default): the test tools as well.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-test}

packages=(ca-certificates curl g++ make cmake ninja-build ccache mold pkg-config binutils
  libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev libssl-dev libyaml-cpp-dev librocksdb-dev
  libspdlog-dev libcli11-dev libsodium-dev libcjose-dev libxxhash-dev libre2-dev libprotozero-dev libcurl4-openssl-dev libicu-dev zlib1g-dev)
if [ "$what" = test ]; then
  packages+=(libgtest-dev libgmock-dev libbenchmark-dev clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-19 python3 iproute2 procps
    libprotobuf-dev protobuf-compiler openssl nginx-light haproxy chromium
    python3-venv python3-websockets python3-yaml python3-jsonschema python3-jwt python3-cryptography)
fi
# Node from the machine when it is new enough (18), from Debian otherwise.
if ! node -e 'process.exit(parseInt(process.versions.node) >= 18 ? 0 : 1)' 2>/dev/null; then packages+=(nodejs npm); fi

missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "deps: installing ${missing[*]}" >&2
  sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
  # The test servers are started by the tests, on loopback: no package may start one of its own while it is installed.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
    trap '$sudo rm -f $policy' EXIT
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# The stock SDK that the demo and the tests drive: exact versions from the lock file.
stamp=client/node_modules/.lock-stamp
if ! cmp -s client/package-lock.json "$stamp"; then
  (cd client && npm ci --no-audit --no-fund --loglevel=error)
  cp client/package-lock.json "$stamp"
fi

# The back-end library that tests/api drives, and the Python SDK that tests/replay does.
for dir in tests/api tests/replay; do
  if [ "$what" = test ] && ! cmp -s $dir/requirements.txt $dir/.venv/.stamp; then
    /usr/bin/python3 -m venv --clear $dir/.venv
    $dir/.venv/bin/pip install --quiet --disable-pip-version-check --only-binary :all: -r $dir/requirements.txt
    cp $dir/requirements.txt $dir/.venv/.stamp
  fi
done
