#!/usr/bin/env python3
"""Builds and runs every part of the tests; prints a line a part and the sum as 'N passed, N failed'."""
import glob
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What crosses lanes or threads: built and run under ThreadSanitizer.
TSAN_TESTS = (r"lcg_base_test|lcg_bus_test|lcg_broker_host_test|lcg_storage_rocksdb_test|net_socket_test|http_client_test"
              r"|token_test")
FUZZ_SECONDS = int(os.environ.get("LCG_FUZZ_SECONDS", "5"))


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, passed, failed, skipped=0):
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped


def run(argv, **kwargs):
    print(f"+ {' '.join(map(str, argv))}", flush=True)
    return subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, **kwargs).returncode


def build(preset, *targets):
    if run(["cmake", "--preset", preset], stdout=subprocess.DEVNULL) != 0:
        return False
    return run(["cmake", "--build", "--preset", preset, *(["--target", *targets] if targets else [])]) == 0


def count_case(case, gtest_dir, tally):
    """One ctest test: its GoogleTest cases or TAP points when it has them, else itself."""
    name, text = case.get("name"), (case.findtext("system-out") or "")
    ok = case.get("status") == "run" and case.find("failure") is None
    xml = gtest_dir / f"{name}.xml"
    tap = {k: int(v) for k, v in re.findall(r"^# (pass|fail|skipped) (\d+)$", text, re.M)}
    if xml.exists():
        suites = ET.parse(xml).getroot()
        failed = int(suites.get("failures", 0)) + int(suites.get("errors", 0))
        tally.add(int(suites.get("tests", 0)) - failed, failed if ok else max(1, failed))
    elif tap:
        failed = tap.get("fail", 0)
        tally.add(tap.get("pass", 0), failed if ok else max(1, failed), tap.get("skipped", 0))
        for line in re.findall(r"^.*# SKIP.*$", text, re.M):
            print(f"SKIPPED in {name}: {line.strip()}", flush=True)
    else:
        tally.add(int(ok), int(not ok))


def ctest(preset, tally, only=None):
    build_dir = ROOT / "build" / preset
    gtest_dir = build_dir / "gtest"
    for old in glob.glob(str(gtest_dir / "*.xml")):
        os.unlink(old)
    env = dict(os.environ, GTEST_OUTPUT=f"xml:{gtest_dir}/", UBSAN_OPTIONS="print_stacktrace=1",
               ASAN_OPTIONS="detect_leaks=1:abort_on_error=0")
    junit = build_dir / "ctest.xml"
    junit.unlink(missing_ok=True)
    run(["ctest", "--preset", preset, "--output-junit", str(junit), "--test-output-size-passed", "1000000",
         *(["-R", only] if only else [])], env=env)
    if not junit.exists():
        tally.add(0, 1)
        return
    for case in ET.parse(junit).getroot().iter("testcase"):
        count_case(case, gtest_dir, tally)


def counted(script, tally):
    """A script that ends with 'N passed, N failed'."""
    out = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True)
    print(out.stdout, out.stderr, flush=True)
    counts = re.search(r"(\d+) passed, (\d+) failed", out.stdout)
    tally.add(*(map(int, counts.groups()) if counts else (0, 1)))


def part_lint(tally):
    counted("tests/lint/lint.py", tally)


def part_tidy(tally):
    counted("tests/lint/tidy.py", tally)


def part_asan(tally):
    if not build("asan"):
        return tally.add(0, 1)
    ctest("asan", tally)


def part_tsan(tally):
    if not build("tsan", *[t for t in TSAN_TESTS.split("|")]):
        return tally.add(0, 1)
    ctest("tsan", tally, f"^({TSAN_TESTS})$")


def part_fuzz(tally):
    names = sorted(p.stem for p in (ROOT / "tests/fuzz").glob("*_fuzz.cc"))
    if not build("fuzz", *names):
        return tally.add(0, 1)
    for name in names:
        binary = ROOT / "build/fuzz/bin" / name
        corpus = ROOT / "tests/fuzz/corpus" / name
        work = ROOT / "build/fuzz/corpus" / name
        work.mkdir(parents=True, exist_ok=True)
        code = run([binary, f"-max_total_time={FUZZ_SECONDS}", "-timeout=5", "-rss_limit_mb=2048", "-verbosity=0", "-seed=1",
                    "-print_final_stats=1", f"-artifact_prefix={work}/", work, *([corpus] if corpus.is_dir() else [])])
        tally.add(int(code == 0), int(code != 0))


def main():
    parts = {"lint": part_lint, "tidy": part_tidy, "asan": part_asan, "tsan": part_tsan, "fuzz": part_fuzz}
    chosen = sys.argv[1:] or list(parts)
    total, lines = Tally(), []
    for name in chosen:
        if name not in parts:
            sys.exit(f"test: no part '{name}'; parts are {' '.join(parts)}")
        tally, begin = Tally(), time.monotonic()
        parts[name](tally)
        total.add(tally.passed, tally.failed, tally.skipped)
        lines.append(f"{name}: {tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped, {time.monotonic() - begin:.0f} s")
    print("\n".join(lines))
    print(f"{total.passed} passed, {total.failed} failed" + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
