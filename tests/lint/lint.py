#!/usr/bin/env python3
"""The rules of the house that a machine can check: includes point one way, files stay small, formatting, no marks
of unfinished work. Prints each offence as file:line: what; exits 1 when there is one. Ends with 'N passed, N failed'."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# folder -> prefixes its own includes ("...") may start with; "lcg/" is the installed SDK.
MAY_INCLUDE = {
    "base": ["base/", "plugins/sdk/include/lcg/trusted_path.hpp", "plugins/sdk/include/lcg/visible.hpp",
             "plugins/sdk/include/lcg/channel_name.hpp"],  # plugins need them as well
    "broker": ["broker/", "base/", "lcg/lcg_plugin.h", "lcg/wire.hpp", "lcg/trusted_path.hpp", "lcg/services/", "lcg/ext/"],
    "broker/api": ["broker/api/", "base/"],
    "gateway": ["gateway/", "broker/api/", "base/"],
    "plugins": ["plugins/", "lcg/"],
    "plugins/sdk": ["plugins/sdk/", "lcg/"],
}
WALL = {".h": 300, ".hpp": 500, ".cc": 500, ".c": 500, ".py": 500, ".mjs": 500}
TEST_WALL = 600
UNFINISHED = re.compile(r"\b(TO[D]O|FIX[M]E|XX[X]|GTEST_SKI[P])\b|\bDISABLE[D]_|not [i]mplemented")  # brackets: not found here


def tracked():
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [f for f in out.stdout.split("\n") if f and (ROOT / f).is_file() and not f.startswith("tests/abi/v")]


def rule_of(path):
    best = None
    for folder in MAY_INCLUDE:
        if path.startswith(folder + "/") and (best is None or len(folder) > len(best)):
            best = folder
    return best


def check_includes(files):
    for f in files:
        folder = rule_of(f)
        if folder is None or not f.endswith((".h", ".hpp", ".cc", ".c")) or "_test.cc" in f or "/testing/" in f:
            continue
        for n, line in enumerate((ROOT / f).read_text().split("\n"), 1):
            m = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if m and "/" in m.group(1) and not m.group(1).startswith(tuple(MAY_INCLUDE[folder])):
                yield f"{f}:{n}: {folder} may not include {m.group(1)}"


def check_sizes(files):
    for f in files:
        p = Path(f)
        wall = WALL.get(p.suffix)
        if wall is None:
            continue
        if "test" in p.name or f.startswith("tests/"):
            wall = TEST_WALL
        lines = len((ROOT / f).read_text().split("\n"))
        if lines > wall:
            yield f"{f}: {lines} lines, the wall is {wall}: split it by idea"
    header = ROOT / "plugins/sdk/include/lcg/lcg_plugin.h"
    if len(header.read_text().split("\n")) > 251:
        yield f"{header.name}: over 250 lines: a new topic belongs behind query()"


def check_format(files):
    sources = [f for f in files if f.endswith((".h", ".hpp", ".cc")) and not f.startswith("tests/abi")]
    out = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources], cwd=ROOT, capture_output=True, text=True)
    if out.returncode != 0:
        seen = set()
        for line in out.stderr.split("\n"):
            m = re.match(r"(\S+?):(\d+):\d+: error", line)
            if m and m.group(1) not in seen:
                seen.add(m.group(1))
                yield f"{m.group(1)}:{m.group(2)}: run clang-format-14 -i on it"


def check_unfinished(files):
    for f in files:
        if f.endswith((".h", ".hpp", ".cc", ".c", ".py", ".mjs", ".cmake", ".sh")):
            for n, line in enumerate((ROOT / f).read_text().split("\n"), 1):
                if UNFINISHED.search(line):
                    yield f"{f}:{n}: unfinished work is an issue, not a mark: {line.strip()[:80]}"


def check_pages(files):
    """Every path in backticks in a page that looks like a file of the tree exists."""
    for f in files:
        if f.endswith(".md"):
            for n, line in enumerate((ROOT / f).read_text().split("\n"), 1):
                for name in re.findall(r"`((?:base|broker|gateway|plugins|appliance|client|conf|tests|docs|packaging|cmake)/[\w./-]*)`", line):
                    if not (ROOT / name).exists():
                        yield f"{f}:{n}: {name} does not exist"


def check_security(files):
    """Every test that SECURITY.md names is there: a file in backticks, then names in quotes ("Suite, Case" or a title)."""
    for n, line in enumerate((ROOT / "SECURITY.md").read_text().split("\n"), 1):
        for path, names in re.findall(r'`([\w./-]+(?:_test\.\w+|\.test\.mjs))`((?: "[^"]*",?)+)', line):
            if path not in files:
                yield f"SECURITY.md:{n}: {path} does not exist"
                continue
            text = (ROOT / path).read_text()
            for name in re.findall(r'"([^"]*)"', names):
                if name not in text:
                    yield f"SECURITY.md:{n}: {path} has no test {name!r}"


def main():
    files = tracked()
    passed = failed = 0
    for check in (check_includes, check_sizes, check_format, check_unfinished, check_pages, check_security):
        offences = list(check(files))
        for offence in offences:
            print(offence)
        passed, failed = passed + (not offences), failed + bool(offences)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
