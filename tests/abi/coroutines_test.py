#!/usr/bin/env python3
"""Finds what g++ 12 compiles wrongly in coroutines (see plugins/sdk/include/lcg/task.hpp):
  a co_await in the condition of if, while, for or switch: the coroutine hangs when its outermost block has no variable
  a lambda with captures, or a braced aggregate, inside a co_await expression: destroyed twice
Prints file:line for each; exits 1 when there is one."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ["appliance", "base", "broker", "gateway", "plugins"]
# Types with a constructor: a brace after their name, or as their argument, is a call and not an aggregate.
CONSTRUCTED = ["Call", "Publication", "Scan"]


def closing(text, start):
    """Index behind the bracket that closes the one at start."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i + 1
    return len(text)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def offences(text):
    text = re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)
    for match in re.finditer(r"\b(if|while|for|switch)\s*(?:constexpr\s*)?\(", text):
        condition = text[match.end() - 1:closing(text, match.end() - 1)]
        if "co_await" in condition:
            yield match.start(), f"co_await in the condition of {match.group(1)}: name the result first"
    for match in re.finditer(r"\bco_await\b", text):
        end = match.end()
        while end < len(text) and text[end] not in ";{)":
            end = closing(text, end) if text[end] in "([" else end + 1
        expression = text[match.end():end]
        if re.search(r"[(,]\s*\[[^\]]", expression):
            yield match.start(), "lambda with captures inside a co_await: name it first"
        for brace in re.finditer(r"([A-Z]\w+)\s*\{[^}]", expression):
            if brace.group(1) not in CONSTRUCTED:
                yield match.start(), f"{brace.group(1)}{{...}} inside a co_await: name it first or give it a constructor"


def main():
    found = 0
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix not in (".cc", ".h", ".hpp") or not path.is_file():
                continue
            text = path.read_text()
            if "co_await" not in text:
                continue
            for position, what in offences(text):
                found += 1
                print(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}: {what}")
    print("no offence" if found == 0 else f"{found} offences")
    return 1 if found else 0


sys.exit(main())
