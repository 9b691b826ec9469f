#!/usr/bin/env python3
"""The names that pages write in backticks are names of the code: each setting, option, method, field and metric of README, docs/
and the plugins' READMEs is made of words that stand in a source of the product (each word, not the whole name); docs/channels.md has every option of a namespace, and no
other. A page names its subjects. One line an offence; exits 1 when there is one."""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
# Of nginx, OpenSSL, C++, the shell and JOSE; a program of the benchmarks.
OF_OTHERS = {"proxy_buffering", "keepalive_timeout", "openssl.cnf", "co_await", "cp", "mv", "rsync", "useradd", "jku", "x5u", "x5c",
             "storage_bench"}
UNNAMED = re.compile(r"\b(?:[Hh]e|[Hh]is|[Hh]im|[Ww]hoever|[Ww]homever|who comes)\b")
FILE = re.compile(r"\w+\.(?:cc|h|hpp|mjs|py)")


def tracked():
    return subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()


def is_product(name):
    return re.match(r"(base|broker|gateway|appliance|plugins)/.*\.(cc|h|hpp|c)$", name) and "_test." not in name and "/test/" not in name


def words_of(files):
    """What stands in the string literals of the sources; names of the SDK's headers, which pages show to authors."""
    texts, sdk = set(), set()
    for name in filter(is_product, files):
        source = (ROOT / name).read_text()
        for literal in re.findall(r'"((?:[^"\\\n]|\\.)*)"', source) + re.findall(r'R"\w*\(([\s\S]*?)\)\w*"', source):
            texts.update(re.findall(r"[a-z0-9_]+", literal))
        if name.startswith("plugins/sdk/"):
            sdk.update(re.findall(r"[a-z][a-z0-9_]*", source))
    return texts, sdk


def is_known(part, texts):
    """A text of the code, or put together of up to three: "allow_" + "publish" + "_for_client"."""
    cuts = [i for i, c in enumerate(part) if c == "_"]
    pieces = [[part]] + [[part[:i], part[i:]] for i in cuts] + [[part[:i + 1], part[i + 1:]] for i in cuts]
    pieces += [[part[:i + 1], part[i + 1:j], part[j:]] for i in cuts for j in cuts if i < j]
    return any(all(piece in texts for piece in cut) for cut in pieces)


def names_of(page):
    for line_number, line in enumerate(re.sub(r"```[\s\S]*?```", lambda m: "\n" * m[0].count("\n"), page).split("\n"), 1):
        for span in re.findall(r"`([^`]+)`", line):
            if NAME.fullmatch(span) and not FILE.fullmatch(span):
                yield line_number, span


def namespace_options():
    """The keys that broker/channel_config.cc reads of a namespace."""
    source = (ROOT / "broker/channel_config.cc").read_text()
    body = source[source.index("ChannelOptions read_options("):]
    body = body[:body.index("\n}\n")]
    found = set(re.findall(r'section\.get\w*\(\s*"(\w+)"', body))
    for helper in set(re.findall(r"\b(read_\w+)\(section(?:, options)?\)", body)):
        part = source[source.index(f"void {helper}("):]
        found |= set(re.findall(r'section\.get\w*\(\s*"(\w+)"', part[:part.index("\n}\n")]))
    for what in re.findall(r'read_permission\(section, "(\w+)"', body):
        found |= {f"allow_{what}_for_{who}" for who in ("client", "subscriber", "anonymous")}
    for what in re.findall(r'read_route\(section, "(\w+)"', body):
        found |= {f"{what}_proxy_enabled", f"{what}_proxy_name"}
    return found


def described_options():
    page = (ROOT / "docs/channels.md").read_text()
    part = page[page.index("## Options of a namespace"):page.index("## What a publisher may say")]
    part = part[:part.index("### What exists")] + part[part.index("### Presence"):]
    found = set()
    for row in re.findall(r"^\| (`[^|]*)\| [^|]+ \| ", part, re.M):
        names = re.findall(r"`(\.{0,3}\w+)`", row)
        for name in names:
            found.add(re.sub(r"_for_\w+$", name[3:], names[0]) if name.startswith("...") else name)
    return {name for name in found if not name.startswith("channel_") or name == "channel_regex"}


def main():
    files = tracked()
    texts, sdk = words_of(files)
    passed, failures = 0, []
    pages = ["README.md", *(f for f in files if re.match(r"docs/(?!architecture).*\.md$|plugins/\w+/README\.md$", f))]
    for page in pages:
        for line, name in names_of((ROOT / page).read_text()):
            known = name in OF_OTHERS or all(
                is_known(part, texts) or part in sdk for part in name.split("."))
            passed += known
            if not known:
                failures.append(f"{page}:{line}: {name} is no name of the code")
    for page in [*pages, "docs/architecture.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"]:
        for line, text in enumerate((ROOT / page).read_text().split("\n"), 1):
            if said := UNNAMED.search(text):
                failures.append(f"{page}:{line}: '{said[0]}': name the subject (the user, the session, the plugin)")
    read, described = namespace_options(), described_options()
    for name in sorted(read ^ described):
        failures.append(f"docs/channels.md: {name} is {'not described' if name in read else 'no option'}")
    passed += len(read & described)
    if len(read) < 30 or passed < 300:
        failures.append(f"only {len(read)} options and {passed} names were read: the pages or the sources are written in another way")
    print("\n".join(failures) if failures else "", end="\n" if failures else "")
    print(f"{passed} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
