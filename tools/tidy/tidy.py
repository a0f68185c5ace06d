#!/usr/bin/env python3
"""The project's own checks of its source. Prints `file:line: message`; exit status 1 if there is any.

  tidy.py                  every check
  tidy.py --update         takes shrunk functions over into the list of long ones
  tidy.py --update --allow-growth    and new and grown ones (say why in the commit)
"""
import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))

from checks import arrows, borders, cited, lengths, openings, paths, rows, test_names  # noqa: E402
from tree import Tree  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
CHECKS = [arrows, borders, lengths, rows, cited, paths, openings, test_names]


def report(check, tree):
    findings = list(check.check(tree))
    name = check.__name__.rsplit(".", 1)[-1]
    for path, line, message in findings:
        print(f"{path}:{line}: {message}")
    print(f"{'not ok' if findings else 'ok'} - {name}: {check.__doc__.splitlines()[0]}")
    return len(findings)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--allow-growth", action="store_true")
    arguments = parser.parse_args()
    tree = Tree(ROOT)
    if arguments.update:
        (ROOT / lengths.LIST).write_text(lengths.updated_list(tree, arguments.allow_growth))
        return 0
    return 1 if sum(report(check, tree) for check in CHECKS) else 0


if __name__ == "__main__":
    sys.exit(main())
