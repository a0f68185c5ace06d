#!/usr/bin/env python3
"""Writes the generated documents from the source: docs/rules.md, docs/ddi-coverage.md, docs/assumptions.md.

  generate.py --build build/release          writes them
  generate.py --build build/release --check  writes nothing; exit status 1 where a committed one is not current

No line numbers and no dates in them: an unrelated edit changes nothing.
"""
import argparse
import difflib
import json
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "tidy")]

import assumptions  # noqa: E402
import coverage  # noqa: E402
import rules  # noqa: E402
from tree import Tree  # noqa: E402

SHOWN = 20  # lines of a difference
ROOT = Path(__file__).resolve().parents[2]


def exports_of(build):
    """The export table as `drydock-exports --json` prints it."""
    for program in sorted(build.glob("**/drydock-exports")):
        if program.is_file():
            return json.loads(subprocess.run([program, "--json"], check=True, capture_output=True, text=True).stdout)
    sys.exit(f"drydock-exports is nowhere in {build}: build first (make build)")


def documents(build):
    tree = Tree(ROOT)
    return {"docs/rules.md": rules.render(tree), "docs/assumptions.md": assumptions.render(tree),
            "docs/ddi-coverage.md": coverage.render(exports_of(build))}


def check(path, text):
    committed = (ROOT / path).read_text() if (ROOT / path).is_file() else ""
    if committed == text:
        print(f"ok - {path} is current")
        return True
    print(f"not ok - {path} is not what the source says: run `make docs`")
    changes = difflib.unified_diff(committed.splitlines(), text.splitlines(), "committed", "fresh", lineterm="", n=0)
    print("\n".join("    " + line for line in list(changes)[:SHOWN]))
    return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    made = documents(arguments.build)
    if arguments.check:
        return 0 if all([check(path, text) for path, text in made.items()]) else 1
    for path, text in made.items():
        (ROOT / path).write_text(text)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
