#!/usr/bin/env python3
"""Runs clang-tidy over every product source with the checks of .clang-tidy. What a source came to is kept by content
(the source, the headers of the tree below it, its compiler flags, the checks, the tool, the library packages), so only
what changed is read again. Prints each finding once; exits 1 when there is one. Ends with 'N passed, N failed'.
Usage: tests/lint/tidy.py [FILE ...]     default: all. LCG_TIDY_CACHE: where results are kept (~/.cache/lcg-tidy)."""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build/tidy"
CACHE = Path(os.environ.get("LCG_TIDY_CACHE", Path.home() / ".cache/lcg-tidy"))
TOOL = "clang-tidy-19"
UNKNOWN_TO_CLANG = {"-fno-gnu-unique"}
FILE_SECONDS = 1200  # more than any source takes, on a busy machine too; one that takes longer is a finding
KEEP_DAYS = 30
FINDING = re.compile(r"^(/\S+?):(\d+):(\d+): (?:error|warning): (.*)$")


def is_product(name):
    parts = Path(name).parts
    return (name.endswith((".cc", ".c")) and parts[0] != "tests" and not name.endswith("_test.cc")
            and not {"testing", "test", "oracle"} & set(parts))


def commands():
    """The compile command of each product source, once, without what clang does not know."""
    subprocess.run(["cmake", "--preset", "tidy"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = {}
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        name = os.path.relpath(entry["file"], ROOT)
        if name in found or name.startswith("..") or not is_product(name):
            continue
        words = [w for w in shlex.split(entry["command"]) if w not in UNKNOWN_TO_CLANG]
        while words and Path(words[0]).name not in ("c++", "cc", "g++", "gcc"):  # ccache and its environment
            words.pop(0)
        found[name] = {"directory": entry["directory"], "file": entry["file"], "arguments": words}
    return found


class Contents:
    """The tree's headers below a source, by its quoted includes; each file is read once."""

    def __init__(self):
        self.hashes, self.includes, self.closures = {}, {}, {}

    def read(self, path):
        if path not in self.hashes:
            data = path.read_bytes()
            self.hashes[path] = hashlib.sha256(data).hexdigest()
            self.includes[path] = re.findall(r'^\s*#\s*include\s+"([^"]+)"', data.decode(), re.M)
        return self.includes[path]

    def below(self, source, folders):
        seen, todo = set(), [source]
        while todo:
            path = todo.pop()
            if path in seen:
                continue
            seen.add(path)
            for name in self.read(path):
                for folder in [path.parent, *folders]:
                    header = folder / name
                    if header.is_file():
                        todo.append(header.resolve())
                        break
        return sorted(seen)


def tool_version():
    tool = subprocess.run([TOOL, "--version"], capture_output=True, text=True, check=True).stdout
    packages = subprocess.run(["dpkg-query", "-W", "libboost1.81-dev", "libssl-dev", "libyaml-cpp-dev", "librocksdb-dev",
                               "libspdlog-dev", "libstdc++-12-dev", "libcli11-dev", "libprotozero-dev", "libicu-dev",
                               "libsodium-dev", "libre2-dev", "libcurl4-openssl-dev", "libcjose-dev", "libxxhash-dev", "zlib1g-dev"],
                              capture_output=True, text=True).stdout
    return tool + packages + Path(__file__).read_text()


def key_of(name, command, contents, common):
    folders = [Path(w[2:]) for w in command["arguments"] if w.startswith("-I")]
    flags = [w.replace(str(ROOT), "") for w in command["arguments"]]
    digest = hashlib.sha256(json.dumps([common, name, flags]).encode())
    for path in contents.below(ROOT / name, folders):
        digest.update(f"{os.path.relpath(path, ROOT)} {contents.hashes[path]}\n".encode())
    return digest.hexdigest()


def findings_of(out):
    """Lines 'file:line:column: what', with paths of the tree."""
    found = []
    for line in out.split("\n"):
        m = FINDING.match(line)
        if m:
            found.append(f"{os.path.relpath(m[1], ROOT)}:{m[2]}:{m[3]}: {m[4]}")
    return found


def read_source(name, database):
    try:
        out = subprocess.run([TOOL, "-p", str(database), "--quiet", str(ROOT / name)], cwd=ROOT, capture_output=True,
                             text=True, stdin=subprocess.DEVNULL, timeout=FILE_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"{name}:1:1: {TOOL} took over {FILE_SECONDS} s"], False
    found = findings_of(out.stdout)
    if out.returncode != 0 and not found:
        return [f"{name}:1:1: {TOOL} failed: {(out.stderr or out.stdout).strip()[-300:]}"], False
    return found, True


def prune():
    """What nobody asked for in a month goes."""
    for path in CACHE.iterdir():
        if path.stat().st_mtime < time.time() - KEEP_DAYS * 86400:
            path.unlink(missing_ok=True)


def main():
    begin = time.monotonic()
    all_commands = commands()
    chosen = [os.path.relpath(Path(f).resolve(), ROOT) for f in sys.argv[1:]] or sorted(all_commands)
    unknown = [f for f in chosen if f not in all_commands]
    if unknown:
        sys.exit(f"tidy: not a product source that is built: {' '.join(unknown)}")
    database = BUILD / "database"
    database.mkdir(exist_ok=True)
    (database / "compile_commands.json").write_text(json.dumps(list(all_commands.values())))
    CACHE.mkdir(parents=True, exist_ok=True)
    common = tool_version() + (ROOT / ".clang-tidy").read_text()
    contents = Contents()
    keys = {name: CACHE / key_of(name, all_commands[name], contents, common) for name in chosen}
    todo = [name for name in chosen if not keys[name].exists()]
    results = {}
    for name in set(chosen) - set(todo):
        results[name] = json.loads(keys[name].read_text())
        keys[name].touch()
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, (found, certain) in zip(todo, pool.map(lambda n: read_source(n, database), todo)):
            results[name] = found
            if certain:
                part = keys[name].with_suffix(f".{os.getpid()}")
                part.write_text(json.dumps(found))
                part.rename(keys[name])
    prune()
    for line in sorted({line for found in results.values() for line in found}):
        print(line)
    failed = sum(1 for found in results.values() if found)
    print(f"tidy: {len(todo)} of {len(chosen)} sources read, {time.monotonic() - begin:.0f} s", file=sys.stderr)
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
